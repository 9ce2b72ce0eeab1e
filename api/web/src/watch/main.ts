// The watch page's beginning: which content its address names.
import { openPage } from "../shell/page";
import "../styles/watch.css";
import { TollcastPlayer } from "../player/player";
import { required } from "../shell/element";
import { expose } from "./probe";
import { WatchPage } from "./watch-page";

/** The part of `/watch/{id}` after the last slash. */
function contentId(): string {
  const parts = window.location.pathname.split("/").filter((part) => part !== "");
  return decodeURIComponent(parts[parts.length - 1] ?? "");
}

const player = new TollcastPlayer();
const system = openPage();
const page = new WatchPage(
  contentId(),
  player,
  system.then((known) => known?.playMoney ?? false),
);
required("main").append(page.root);
expose(page, player);
page.open();
