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

// may reports whether the caller's role is at least this one. Without tokens (--auth none) everybody is an admin.
export const may = (role) => (ranks[(info && info.role) || "ADMIN"] || 0) >= ranks[role];
