// Runs node-media-server: `node node_media_server.js '{"rtmp": PORT, "push": "rtmp://..."}'`.
//
// What is published to it at /live/NAME is pushed on to `push`, when there is one, by its own RTMP
// client. It keeps its data in the working directory.

const NodeMediaServer = require("node-media-server");

const { rtmp, push } = JSON.parse(process.argv[2]);
const server = new NodeMediaServer(
  {
    bind: "127.0.0.1",
    rtmp: { port: rtmp },
    webadmin: { enable: false },
    store: { path: "data" },
    record: { auto: false, path: "record" },
  },
  "config.json",
);
if (push) {
  server.on("postPublish", (session) => {
    session.broadcast.publishGraceMs = 0;
    // Its broadcast takes players once this event has been handled.
    setImmediate(() =>
      server.relayServer.addTask({ url: push, mode: "push", streamPath: session.streamPath }),
    );
  });
  // It would stay connected and silent otherwise.
  server.on("donePublish", () => server.relayServer.removeTask(`push:${push}`));
}
server.run();
