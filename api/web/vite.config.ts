// Builds the pages into dist/: index.html, watch.html and so on, with their files under assets/.
import { defineConfig, type Plugin } from "vite";

import { html, pages } from "./page.ts";

/** Pages are made by `page.ts`, and are in no files before that. */
function madePages(): Plugin {
  let root = "";
  return {
    name: "made-pages",
    enforce: "pre",
    configResolved: (config) => {
      root = config.root;
    },
    resolveId: (id) => (id in pages ? `${root}/${id}` : null),
    load: (id) => {
      const page = pages[id.slice(root.length + 1)];
      return page === undefined ? null : html(page);
    },
  };
}

export default defineConfig({
  base: "/",
  publicDir: false,
  plugins: [madePages()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    emptyOutDir: true,
    target: "es2022",
    // The server's policy is `default-src 'self'`: a data: address would be refused.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js is one module of some 600 kB; alone in its file it stays in caches when our code changes.
    chunkSizeWarningLimit: 700,
    license: { fileName: "assets/licenses.md" },
    rolldownOptions: {
      input: Object.keys(pages),
      output: {
        // The icon alone has an address that browsers and links may know by heart.
        assetFileNames: ({ names }) =>
          names.includes("logo.svg") ? "favicon.svg" : "assets/[name]-[hash][extname]",
        codeSplitting: { groups: [{ name: "hls", test: /node_modules[\\/]hls\.js/ }] },
      },
    },
  },
});
