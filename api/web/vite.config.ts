// Builds the pages into dist/: index.html, watch.html and so on, with their files under assets/.
import { defineConfig, type Plugin } from "vite";

import { strings } from "./src/strings.ts";

/** Writes the catalogue's words into the HTML, so that no page has text of its own: {{shell.skip}}. */
function catalogue(): Plugin {
  const words = strings as unknown as Record<string, Record<string, unknown>>;
  return {
    name: "catalogue",
    transformIndexHtml: {
      order: "pre",
      handler: (html) =>
        html.replace(/\{\{(\w+)\.(\w+)\}\}/g, (found, group: string, name: string) => {
          const word = words[group]?.[name];
          if (typeof word !== "string") throw new Error(`no such string: ${found}`);
          return word;
        }),
    },
  };
}

export default defineConfig({
  base: "/",
  publicDir: false,
  plugins: [catalogue()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    emptyOutDir: true,
    target: "es2022",
    // The server's policy is `default-src 'self'`: a data: address would be refused.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js is one module of some 600 kB; alone in its file it stays in caches when our code changes.
    chunkSizeWarningLimit: 700,
    license: { fileName: "assets/licenses.md" },
    rolldownOptions: {
      input: ["index.html", "watch.html", "studio.html", "account.html", "login.html", "verify.html"],
      output: {
        // The icon alone has an address that browsers and links may know by heart.
        assetFileNames: ({ names }) =>
          names.includes("logo.svg") ? "favicon.svg" : "assets/[name]-[hash][extname]",
        codeSplitting: { groups: [{ name: "hls", test: /node_modules[\\/]hls\.js/ }] },
      },
    },
  },
});
