// Reads text/event-stream as the HTML standard lays it down (section 9.2.6), from pieces of any size.

export interface StreamEvent {
  name: string;
  data: string;
}

/** Holds an unfinished line between pieces; one parser for one connection. */
export class EventStreamParser {
  private rest = "";
  private name = "";
  private data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): StreamEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?=.)/s);
    this.rest = lines.pop() ?? "";
    const events: StreamEvent[] = [];
    for (const line of lines) {
      if (line !== "") this.field(line);
      else if (this.data.length > 0) events.push(this.dispatch());
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }

  private dispatch(): StreamEvent {
    const event = { name: this.name || "message", data: this.data.join("\n") };
    this.name = "";
    this.data = [];
    return event;
  }
}
