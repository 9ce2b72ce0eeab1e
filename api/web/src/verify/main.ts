// The page on which anybody can check a receipt, without an account and without sending it anywhere.
import { openPage } from "../shell/page";
import "../styles/verify.css";
import { required } from "../shell/element";
import { VerifyPage } from "./verify-page";

const page = new VerifyPage();
required("main").append(page.root);
void openPage();
void page.open();
