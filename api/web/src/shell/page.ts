// What every page does first: its styles, and the note that money is play money.
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/controls.css";
import { signedInUser } from "../server/signed-in";
import { readSystem } from "../server/routes";
import { Problem } from "../server/http";
import type { System } from "../server/types";
import { strings } from "../strings";
import { element, required } from "./element";
import { icon } from "./icons";

/** Reads what kind of server this is and shows the note when its money is not real; null without an answer. */
export async function openPage(): Promise<System | null> {
  showSignIn();
  try {
    const system = await readSystem();
    if (system.playMoney) showPlayMoney();
    return system;
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** The way in, in every page's header; of whoever is in, their name. */
function showSignIn(): void {
  const user = signedInUser();
  const here = window.location.pathname;
  const isLogin = here === "/login";
  const href = isLogin || user !== null ? "/login" : `/login?next=${encodeURIComponent(here)}`;
  const name = user?.username ?? strings.shell.signIn;
  document.querySelector(".top-links")?.append(
    element(
      "a",
      {
        class: "top-sign-in",
        href,
        "aria-current": isLogin ? "page" : null,
        title: user === null ? null : strings.shell.signedInAs(name),
      },
      name,
    ),
  );
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
