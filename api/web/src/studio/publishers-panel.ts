// Who publishes to a source now: with what program, from where, and how well it is set.
import type { Publisher, TrackFacts } from "../server/types";
import { bitrate, spell } from "../shell/durations";
import { element, setText, showList } from "../shell/element";
import { icon } from "../shell/icons";
import { strings } from "../strings";
import { Findings } from "./findings";

const words = strings.studio;

export class PublishersPanel {
  readonly root: HTMLElement;
  private readonly list = element("div", { class: "publishers-list" });

  constructor() {
    this.root = element(
      "section",
      { class: "publishers", hidden: true },
      element("h4", { class: "eyebrow" }, words.preflight.heading),
      this.list,
    );
  }

  update(publishers: readonly Publisher[]): void {
    this.root.hidden = publishers.length === 0;
    showList(
      this.list,
      publishers,
      // One that comes back has another connection: its report begins anew, in the place of the former.
      ({ role }) => role,
      () => {
        const row = new PublisherRow();
        rows.set(row.root, row);
        return row.root;
      },
      (made, publisher) => rows.get(made)?.update(publisher, publishers.length > 1),
    );
  }
}

class PublisherRow {
  private readonly role = element("span", { class: "tag" });
  private readonly client = element("strong", { class: "publisher-client" });
  private readonly secure = element("span", { class: "publisher-secure" }, icon("lock"), words.encrypted);
  private readonly address = element("code");
  private readonly bitrate = element("span", { class: "publisher-figure" });
  private readonly connected = element("span");
  private readonly tracks = element("p", { class: "publisher-tracks" });
  private readonly findings = new Findings();
  readonly root = element(
    "article",
    { class: "publisher" },
    element(
      "p",
      { class: "publisher-line" },
      this.role,
      this.client,
      this.address,
      this.secure,
      this.bitrate,
      this.connected,
    ),
    this.tracks,
    this.findings.root,
  );

  /** `amongOthers`: it has to be told which of them is shown. */
  update(publisher: Publisher, amongOthers: boolean): void {
    const { role, client, address, secure, connectedMs, preflight } = publisher;
    this.role.hidden = !amongOthers;
    this.role.dataset["kind"] = role === "active" ? "passed" : "waiting";
    setText(this.role, words.roles[role]);
    setText(this.client, preflight.facts.encoder || client || words.someEncoder);
    setText(this.address, address);
    this.secure.hidden = !secure;
    setText(this.bitrate, bitrate(publisher.bitrate));
    setText(this.connected, words.connectedFor(spell(connectedMs / 1000)));
    setText(this.tracks, preflight.facts.tracks.map(trackWords).join(" · ") || words.preflight.nothingYet);
    this.findings.update(preflight);
  }
}

const rows = new WeakMap<HTMLElement, PublisherRow>();

/** H.264 High 4.1, 1920 × 1080, 30 fps, keyframe every 2 s. */
function trackWords(track: TrackFacts): string {
  const name = words.codings[track.coding ?? ""] ?? track.codec;
  if (track.kind === "audio") {
    const channels = words.channels(track.channels ?? 0);
    return [name, `${(track.sampleRate ?? 0) / 1000} kHz`, channels, bitrate(track.bitrate)].join(", ");
  }
  const { profile = "", width = 0, height = 0, frameRate = 0, keyframeMs = null } = track;
  const parts = [
    track.coding === "h264" ? `${name} ${profile}` : name,
    `${width} × ${height}`,
    frameRate > 0 && words.framesPerSecond(Math.round(frameRate * 100) / 100),
    keyframeMs !== null && words.keyframeEvery(Math.round(keyframeMs / 100) / 10),
  ];
  return parts.filter((one) => one !== false).join(", ");
}
