// The studio: sources on one side, earnings on the other, or the way in.
import { openPage } from "../shell/page";
import "../styles/player.css";
import "../styles/studio.css";
import "../styles/uploads.css";
import { required } from "../shell/element";
import { replaceWith } from "../shell/notice";
import { signInPanel } from "./sign-in";
import { StudioPage } from "./studio-page";
import { forgetToken, keepToken, takeToken } from "./token";

const main = required("main");
const system = openPage();

function signIn(refused: boolean): void {
  replaceWith(
    main,
    signInPanel(refused, (pasted) => void open(keepToken(pasted))),
  );
}

async function open(token: string): Promise<void> {
  const known = await system;
  const page = new StudioPage(token, known?.playMoney ?? false, (refused) => {
    forgetToken();
    page.close();
    signIn(refused);
  });
  replaceWith(main, page.root);
  page.open();
}

function enter(): void {
  const token = takeToken();
  if (token === null) signIn(false);
  else void open(token);
}

// A second studio link opened in this tab changes only the address's fragment.
window.addEventListener("hashchange", () => {
  if (window.location.hash.includes("token=")) window.location.reload();
});
enter();
