/* The commands Why? of contacts, accounts and leads, and Open Console of Spotler Info and Spotler Job (UI-01). They open the
   console of the connector in a new tab; the console asks who the user is. Its address is the value of the environment
   variable dh_spotlerconsole, such as https://APP.azurewebsites.net/console. Addresses hold ids, never names.

   On the form: function SpotlerConsole.why, parameter PrimaryControl. In a view: function SpotlerConsole.openAll, parameters
   SelectedControl and SelectedControlSelectedItemReferences. The installer registers both (infra/dataverse/commands).

   The page dh_spotlerconsole.html is filled by the same script. As an entry of Spotler Hub it opens the console; a link stays
   for browsers that suppress new tabs. On the Marketing tab it links to the page of the person. Plain JavaScript, no build
   step. */
// eslint-disable-next-line no-unused-vars
var SpotlerConsole = (function () {
  "use strict";

  const TITLE = "Spotler Console";
  const VARIABLE = "dh_spotlerconsole";
  const PAGES = { dh_spotlerjob: "/jobs", dh_spotlerinfo: "/people" };
  const NEW = 1; // formContext.ui.getFormType()
  const DUTCH = 1043;
  const ENGLISH_WORDS = {
    open: "Open the console",
    why: "Why is this record (not) in Spotler?",
    unsaved: "Save the record first: the console explains records by their id.",
    nowhere: "Nobody has told Dynamics where the console is: an administrator sets the environment variable " + VARIABLE + ".",
  };
  const DUTCH_WORDS = {
    open: "De console openen",
    why: "Waarom staat dit record (niet) in Spotler?",
    unsaved: "Sla het record eerst op: de console verklaart records aan de hand van hun id.",
    nowhere: "Niemand heeft Dynamics verteld waar de console is: een beheerder vult de omgevingsvariabele " + VARIABLE + " in.",
  };

  async function why(form) {
    if (form.ui.getFormType() === NEW) {
      return tell(words().unsaved);
    }
    const entity = form.data.entity;
    return open(pageOf(entity.getEntityName(), entity.getId()));
  }

  async function openAll(grid, references) {
    const table = references && references.length ? references[0].TypeName : "";
    return open(PAGES[table] || "");
  }

  async function open(page) {
    const address = await consoleAddress();
    if (!address) {
      return tell(words().nowhere);
    }
    return client().Navigation.openUrl(address + page);
  }

  async function show(page, search) {
    const texts = words();
    const given = new URLSearchParams(search); // a form names its record, the navigation nothing
    const table = given.get("typename") || "";
    const id = bare(given.get("id") || "");
    page.documentElement.lang = texts === DUTCH_WORDS ? "nl" : "en";
    if (table && !id) {
      return write(page, texts.unsaved);
    }
    const address = await consoleAddress();
    if (!address) {
      return write(page, texts.nowhere);
    }
    write(page, table ? texts.why : texts.open, address + (table ? pageOf(table, id) : ""));
    return table ? undefined : client().Navigation.openUrl(address);
  }

  function write(page, text, address) {
    const line = page.createElement("p");
    const shown = address ? page.createElement("a") : line;
    shown.textContent = text;
    if (address) {
      Object.assign(shown, { href: address, target: "_blank", rel: "noopener" });
      line.append(shown);
    }
    page.getElementById(VARIABLE).append(line);
  }

  async function consoleAddress() {
    const query = "?$select=schemaname&$filter=schemaname eq '" + VARIABLE +
      "'&$expand=environmentvariabledefinition_environmentvariablevalue($select=value)";
    let text = "";
    try {
      const found = (await client().WebApi.retrieveMultipleRecords("environmentvariabledefinition", query)).entities[0];
      const values = (found && found.environmentvariabledefinition_environmentvariablevalue) || [];
      text = values.length ? values[0].value.trim() : "";
    } catch (error) {
      text = ""; // a user who may not read variables
    }
    const isAddress = /^https:\/\/\S+$/.test(text) || /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/\S*)?$/.test(text);
    return isAddress ? text.replace(/\/+$/, "") : "";
  }

  function pageOf(table, id) {
    return "/person/" + encodeURIComponent(table) + "/" + encodeURIComponent(bare(id));
  }

  function bare(id) {
    return id.replace(/[{}]/g, "").toLowerCase();
  }

  function words() {
    return client().Utility.getGlobalContext().userSettings.languageId === DUTCH ? DUTCH_WORDS : ENGLISH_WORDS;
  }

  function client() {
    return typeof Xrm === "undefined" ? window.parent.Xrm : Xrm; // a page is in a frame of the form or the app
  }

  function tell(text) {
    return client().Navigation.openAlertDialog({ title: TITLE, text: text });
  }

  return { why: why, openAll: openAll, show: show };
})();

if (typeof document !== "undefined" && document.getElementById("dh_spotlerconsole")) {
  SpotlerConsole.show(document, window.location.search);
}
