// What state an upload is in, from what the server says of it, and the words for that.
import { strings } from "../strings";
import type { Content, ContentStatus, Job, RenditionStatus } from "../server/types";

const words = strings.uploads;

/** Renditions that have no pictures: one for each track of sound. */
const SOUND = /^audio(-\d+)?$/;

/** Failures that say nothing about the file. */
const ofServer: ReadonlySet<string> = new Set(["internal", "worker_lost", "storage_full", "upload_gone"]);

export type Stage =
  | "queued"
  | "making"
  /** Watchable, while better renditions are still to come. */
  | "early"
  | "ready"
  | "failed"
  | "cancelled";

export function stageOf({ state, playable, status }: Content): Stage {
  const job = status?.job ?? null;
  if (state === "on_demand") return "ready";
  if (job?.state === "cancelled") return "cancelled";
  if (state === "failed" || job?.state === "failed") return "failed";
  if (playable) return "early";
  return job?.state === "running" ? "making" : "queued";
}

export function sentenceOf(content: Content): string {
  const job = content.status?.job ?? null;
  switch (stageOf(content)) {
    case "queued":
      return again(job, waitingWords(job));
    case "making":
      return again(job, words.making);
    case "early":
      return `${words.early} ${earlyWords(content.status)}`;
    case "ready":
      return readyWords(content.status?.renditions ?? []);
    case "failed":
      return content.status?.error?.detail || words.failedText;
    case "cancelled":
      return words.cancelledText;
  }
}

/** What can be done about it, beyond what the sentence says. */
export function adviceOf(content: Content): string {
  if (stageOf(content) !== "failed") return "";
  const whose = ofServer.has(content.status?.error?.code ?? "") ? words.failedHere : words.failedThere;
  return content.playable ? `${whose} ${words.failedPlayable}` : whose;
}

/** 360p ready, 720p 42 %, 1080p waiting. */
export function renditionWords({ name, state, progress }: RenditionStatus): string {
  const done = { queued: words.rungWaiting, running: words.percent(Math.floor(100 * progress)), ready: words.rungReady };
  return `${renditionName(name)} ${done[state]}`;
}

function renditionName(name: string): string {
  return words.renditionNames[name] ?? name;
}

function waitingWords(job: Job | null): string {
  const ahead = job?.queuePosition ?? null;
  if (ahead === null) return words.waiting;
  return ahead === 0 ? words.next : words.ahead(ahead);
}

/** What is still to come of something that can be watched already. */
function earlyWords(status: ContentStatus | undefined): string {
  const job = status?.job ?? null;
  if (job?.state === "queued") return `${words.earlyRest} ${waitingWords(job)}`;
  const ready = status?.renditions.some(({ state }) => state === "ready") ?? false;
  return ready ? words.earlyMaking : words.earlyGrowing;
}

/** Says so when this is not the first attempt; a job that waits has used up those before. */
function again(job: Job | null, text: string): string {
  const attempt = job === null ? 1 : job.attempt + (job.state === "queued" ? 1 : 0);
  return attempt > 1 ? `${words.attempt(attempt)} ${text}` : text;
}

function readyWords(renditions: readonly RenditionStatus[]): string {
  const ready = renditions.filter(({ state }) => state === "ready").map(({ name }) => name);
  const pictures = ready.filter((name) => !SOUND.test(name));
  if (pictures.length > 0) return words.readyIn(pictures.map(renditionName));
  return ready.length > 0 ? words.readyAudio : words.ready;
}
