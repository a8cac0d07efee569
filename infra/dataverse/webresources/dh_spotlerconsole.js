/* The commands Why? of contacts, accounts and leads, and Open Console of Spotler Info and Spotler Job (UI-01). They open the
   console of the connector in a new tab; the console asks who the user is. Its address is the value of the environment
   variable dh_spotlerconsole, such as https://APP.azurewebsites.net/console. Addresses hold ids, never names.

   On the form: function SpotlerConsole.why, parameter PrimaryControl. In a view: function SpotlerConsole.openAll, parameters
   SelectedControl and SelectedControlSelectedItemReferences. The installer registers both (infra/dataverse/commands). Plain
   JavaScript, no build step. */
// eslint-disable-next-line no-unused-vars
var SpotlerConsole = (function () {
  "use strict";

  const TITLE = "Spotler Console";
  const VARIABLE = "dh_spotlerconsole";
  const PAGES = { dh_spotlerjob: "/jobs", dh_spotlerinfo: "/people" };
  const NEW = 1; // formContext.ui.getFormType()

  async function why(form) {
    if (form.ui.getFormType() === NEW) {
      return tell("Save the record first: the console explains records by their id.");
    }
    const entity = form.data.entity;
    return open("/person/" + entity.getEntityName() + "/" + bare(entity.getId()));
  }

  async function openAll(grid, references) {
    const table = references && references.length ? references[0].TypeName : "";
    return open(PAGES[table] || "");
  }

  async function open(page) {
    const address = await consoleAddress();
    if (!address) {
      return tell("Nobody has told Dynamics where the console is: an administrator sets the environment variable " + VARIABLE + ".");
    }
    return Xrm.Navigation.openUrl(address + page);
  }

  async function consoleAddress() {
    const query = "?$select=schemaname&$filter=schemaname eq '" + VARIABLE +
      "'&$expand=environmentvariabledefinition_environmentvariablevalue($select=value)";
    let text = "";
    try {
      const found = (await Xrm.WebApi.retrieveMultipleRecords("environmentvariabledefinition", query)).entities[0];
      const values = (found && found.environmentvariabledefinition_environmentvariablevalue) || [];
      text = values.length ? values[0].value.trim() : "";
    } catch (error) {
      text = ""; // a user who may not read variables
    }
    const isAddress = /^https:\/\/\S+$/.test(text) || /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/\S*)?$/.test(text);
    return isAddress ? text.replace(/\/+$/, "") : "";
  }

  function bare(id) {
    return id.replace(/[{}]/g, "").toLowerCase();
  }

  function tell(text) {
    return Xrm.Navigation.openAlertDialog({ title: TITLE, text: text });
  }

  return { why: why, openAll: openAll };
})();
