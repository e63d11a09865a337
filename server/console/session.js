// Who is signed in, and what that allows. The server decides; this only leaves out buttons that it would refuse.
import { get } from "./api.js";

const ranks = { VIEWER: 1, EDITOR: 2, ADMIN: 3 };
let info = null;

// loadInfo asks the server what it is and who this is.
export async function loadInfo() {
  info = await get("/v1/info");
  return info;
}

export const serverInfo = () => info || {};

// limited reports whether the caller is let at certain links only: then the links themselves, tables and tokens are others' business.
export const limited = () => !!(info && info.links && info.links.length);

// sheetAddress is where a person sees the tab of a link, at one row of it when row is given. Where the server talks to another
// service than Google, as the demo does, that service shows it.
const elsewhere = document.documentElement.dataset.sheets || "";
export const onGoogle = !elsewhere;
export const sheetAddress = (link, row) => (onGoogle
  ? `https://docs.google.com/spreadsheets/d/${encodeURIComponent(link.spreadsheetId)}/edit#gid=${link.sheetId}${row ? `&range=A${row}` : ""}`
  : `${elsewhere}#${new URLSearchParams({ id: link.spreadsheetId, sheet: link.tab })}`);

// draft is a link that is being made: it stays in this browser tab over a reload, and over the way back.
const drafted = "tandem.draft";
export const draft = {
  read() {
    try {
      return JSON.parse(sessionStorage.getItem(drafted)) || {};
    } catch {
      return {};
    }
  },
  keep(value) {
    try {
      sessionStorage.setItem(drafted, JSON.stringify(value));
    } catch {
      sessionStorage.removeItem(drafted); // it is full: then the draft lasts as long as the page
    }
  },
  drop: () => sessionStorage.removeItem(drafted),
};

// may reports whether the caller's role is at least this one. Without tokens (--auth none) everybody is an admin.
export const may = (role) => (ranks[(info && info.role) || "ADMIN"] || 0) >= ranks[role];
