// What every page does first: its styles, and the note that money is play money.
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/controls.css";
import { readSystem } from "../server/routes";
import { Problem } from "../server/http";
import type { System } from "../server/types";
import { strings } from "../strings";
import { element, required } from "./element";
import { icon } from "./icons";

/** Reads what kind of server this is and shows the note when its money is not real; null without an answer. */
export async function openPage(): Promise<System | null> {
  try {
    const system = await readSystem();
    if (system.playMoney) showPlayMoney();
    return system;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

function showPlayMoney(): void {
  required("play-money").replaceChildren(
    element(
      "p",
      { class: "play-money" },
      icon("coin"),
      element(
        "span",
        {},
        element("strong", {}, strings.shell.playMoney),
        ` ${strings.shell.playMoneyNote}`,
      ),
    ),
  );
}
