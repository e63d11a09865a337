// What the forms of a link's settings share: following the link, saving, and what to do when somebody else was faster.
import { html, useState, useEffect, useAct, Button, Problem, toast } from "./ui.js";
import { patch } from "./api.js";
import { same } from "./sync-words.js";

// useForm edits a part of a link that may change meanwhile: as long as nothing was typed it follows the link; afterwards, what
// was typed stays, and stale tells that somebody else changed the same part.
export function useForm(given, read) {
  const [made, setMade] = useState(null); // the link as it was saved here, until it is read anew
  const link = made && Date.parse(given.updateTime) < Date.parse(made.updateTime) ? made : given;
  const now = read(link), [base, setBase] = useState(now), [typed, setTyped] = useState(null);
  const dirty = typed !== null && !same(typed, base), stale = dirty && !same(now, base);
  useEffect(() => {
    if (!dirty && !same(now, base)) {
      setBase(now);
      setTyped(null);
    }
  });
  const saved = (next) => {
    setMade(next);
    setBase(read(next));
    setTyped(null);
  };
  const drop = () => {
    setBase(now);
    setTyped(null);
  };
  return { link, value: typed ?? now, set: setTyped, dirty, stale, drop, keep: () => setBase(now), saved };
}

// useSave sends what a form holds: only the fields named, and only when nobody else changed the settings meanwhile.
export function useSave(form, reload) {
  const act = useAct();
  const save = (body, mask) => act.act(async () => {
    try {
      form.saved(await patch(`/v1/${form.link.name}`, { ...body, etag: form.link.etag }, { query: { updateMask: mask } }));
      toast("Saved. It counts from now on.");
    } catch (error) {
      if (error.status === 412) error.message = "Somebody else changed the settings in the meantime. They are read anew: look, and save again.";
      throw error;
    } finally {
      reload();
    }
  });
  return { ...act, save };
}

// Foot is what stands below a form: save, take back, and what to do when it is stale.
export function Foot({ form, save, disabled, quiet, children }) {
  return html`
    <${Problem} error=${quiet ? { message: "Not saved: look at what is marked in red." } : save.error} />
    ${form.stale && html`<div class="problem" role="alert"><p>Somebody else changed this part while you edited it.</p><div class="row"><${Button} onClick=${form.drop}>Take theirs<//><${Button} onClick=${form.keep}>Keep mine, and save over it<//></div></div>`}
    <div class="link-next">${children}<${Button} disabled=${!form.dirty || save.busy} onClick=${() => { form.drop(); save.clear(); }}>Discard changes<//>
      <${Button} kind="primary" type="submit" busy=${save.busy} disabled=${!form.dirty || form.stale || disabled}>Save<//></div>`;
}
