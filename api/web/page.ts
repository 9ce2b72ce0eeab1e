// The HTML of each page: a frame around what its script shows, without a word of its own.
import { strings } from "./src/strings.ts";

const words = strings.shell;

/** What is in the frame: `src/{script}/main.ts`, under its title. */
export interface Page {
  readonly script: string;
  readonly title: string;
}

export const pages: Readonly<Record<string, Page>> = {
  "index.html": { script: "home", title: words.homeTitle },
  "watch.html": { script: "watch", title: words.watchTitle },
  "studio.html": { script: "studio", title: words.studioTitle },
  "account.html": { script: "account", title: words.accountTitle },
  "login.html": { script: "login", title: words.loginTitle },
  "verify.html": { script: "verify", title: words.verifyTitle },
};

export const html = ({ script, title }: Page): string => {
  const here = (of: string): string => (of === script ? ' aria-current="page"' : "");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="dark light">
    <meta name="theme-color" content="#0c0e13" media="(prefers-color-scheme: dark)">
    <meta name="theme-color" content="#f6f5f1" media="(prefers-color-scheme: light)">
    <meta name="description" content="${words.description}">
    <meta name="referrer" content="no-referrer">
    <title>${title}</title>
    <link rel="icon" type="image/svg+xml" href="/src/logo.svg">
    <script type="module" src="/src/${script}/main.ts"></script>
  </head>
  <body>
    <a class="skip" href="#main">${words.skip}</a>
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="/"><img src="/src/logo.svg" alt="" width="34" height="34"><span>${words.name}</span></a>
        <nav class="top-links" aria-label="${words.navigation}">
          <a href="/"${here("home")}>${words.onNow}</a>
          <a href="/studio"${here("studio")}>${words.studio}</a>
          <a href="/account"${here("account")}>${words.account}</a>
        </nav>
      </div>
    </header>
    <div id="play-money"></div>
    <main id="main" class="page" tabindex="-1"></main>
    <footer class="foot"><p>${words.footer} <a href="/verify">${words.verify}</a></p></footer>
    <noscript><p class="no-script">${words.noScript}</p></noscript>
  </body>
</html>
`;
};
