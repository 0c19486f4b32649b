import { randomBytes } from "node:crypto";
import { Uri, type Webview } from "vscode";

/** Folders from which the page may load. */
export function pageRoots(extensionUri: Uri): Uri[] {
  return [Uri.joinPath(extensionUri, "dist", "webview"), Uri.joinPath(extensionUri, "media")];
}

/**
 * The page's frame. Scripts run by nonce only and there are no inline styles: what is drawn sets its
 * styles through adopted style sheets and the CSSOM, which the policy leaves alone. (The toolkit
 * tries one style element, with the nonce it finds in the head.)
 * @param directory of the run; the page keeps it, so that it finds its run again after a reload
 */
export function dashboardHtml(webview: Webview, extensionUri: Uri, directory: string): string {
  const nonce = randomBytes(16).toString("base64");
  const uri = (...path: string[]): string =>
    attribute(webview.asWebviewUri(Uri.joinPath(extensionUri, ...path)).toString());
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${attribute(policy)}">
    <meta property="csp-nonce" content="${nonce}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="stylesheet" href="${uri("media", "dashboard.css")}">
    <title>Adaptive</title>
  </head>
  <body>
    <adaptive-dashboard data-directory="${attribute(directory)}"></adaptive-dashboard>
    <script nonce="${nonce}" src="${uri("dist", "webview", "main.js")}"></script>
  </body>
</html>`;
}

function attribute(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
}
