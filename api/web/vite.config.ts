// Builds the pages into dist/: index.html, watch.html and so on, with their files under assets/.
import { defineConfig, type Plugin } from "vite";

import { html, pages } from "./page.ts";

/** Pages are made, and in no file before that. */
function madePages(): Plugin {
  const made = new Map<string, string>();
  return {
    name: "made-pages",
    enforce: "pre",
    configResolved({ root }) {
      for (const [name, page] of Object.entries(pages)) made.set(`${root}/${name}`, html(page));
    },
    resolveId: (id) => [...made.keys()].find((path) => path.endsWith(`/${id}`)) ?? null,
    load: (id) => made.get(id) ?? null,
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
