// Work of a panel that the server may refuse: its words are shown below, and gone with the next try.
import { Problem } from "../server/http";
import { element, setText } from "./element";
import { strings } from "../strings";

export class Attempts {
  readonly problem = element("p", { class: "form-error", role: "alert", hidden: true });

  async make(work: () => Promise<void>): Promise<void> {
    this.problem.hidden = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.hidden = false;
      setText(this.problem, error.status === 0 ? strings.common.unreachable : error.message);
    }
  }
}
