// Keys of encrypted samples (cbcs) go to the browser's own Clear Key module (EME, 9.1), which decrypts.
import type { HlsConfig } from "hls.js";

const CLEAR_KEY = "org.w3.clearkey";

/** A playlist as hls.js has to see it to hand keys of encrypted samples on. */
export function withClearKeys(playlist: string): string {
  return playlist.replaceAll('KEYFORMAT="identity"', `KEYFORMAT="${CLEAR_KEY}"`);
}

/** What the module asks for is answered with what the playlist's key URI has: 16 bytes, and billed. */
export const clearKeySettings: Partial<HlsConfig> = {
  emeEnabled: true,
  drmSystems: {
    [CLEAR_KEY]: {
      // There has to be one; what is asked is each key's own URI.
      licenseUrl: "/",
      generateRequest: (_type, _data, { decryptdata }) => ({
        initDataType: "keyids",
        initData: json({ kids: [base64url(decryptdata.keyId)] }),
      }),
    },
  },
  licenseXhrSetup: (xhr, _url, { decryptdata }) => {
    xhr.open("GET", decryptdata.uri);
  },
  licenseResponseCallback: (xhr, _url, { decryptdata }) => {
    const key = base64url(new Uint8Array(xhr.response as ArrayBuffer));
    return json({ keys: [{ kty: "oct", kid: base64url(decryptdata.keyId), k: key }], type: "temporary" });
  },
};

function json(document: unknown): ArrayBuffer {
  return new TextEncoder().encode(JSON.stringify(document)).buffer;
}

function base64url(bytes: Uint8Array | null | undefined): string {
  return btoa(String.fromCharCode(...(bytes ?? [])))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
