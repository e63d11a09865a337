// Links: making one, and changing one.
export { LinkWizard } from "./links-wizard.js";
export { LinkSettings } from "./links-settings.js";
