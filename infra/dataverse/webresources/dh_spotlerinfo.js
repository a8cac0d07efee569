/* The form of Spotler Info: shows the Spotler Jobs of the record that the status belongs to (STA-02).

   A job points to a person or a list, not to a status, so that no relationship filters the grid. Where the client cannot
   filter it, the grid is hidden: jobs of all records would be wrong there.

   The installer registers SpotlerInfo.onLoad (infra/dataverse/forms/spotlerinfo.yaml). Plain JavaScript, no build step. */
// eslint-disable-next-line no-unused-vars
var SpotlerInfo = (function () {
  "use strict";

  const GRID = "dh_related_jobs";
  const LOOKUPS = { contact: "dh_customerid", account: "dh_customerid", lead: "dh_leadid", list: "dh_listid" };

  async function onLoad(executionContext) {
    const form = executionContext.getFormContext();
    const grid = form.getControl(GRID);
    if (!grid) {
      return;
    }
    grid.setVisible(false);
    const id = form.data.entity.getId().replace(/[{}]/g, "").toLowerCase();
    if (!id || typeof grid.setFilterXml !== "function") {
      return;
    }
    const conditions = await owners(id);
    if (conditions.length) {
      grid.setFilterXml('<filter type="or">' + conditions.join("") + "</filter>");
      grid.refresh();
      grid.setVisible(true);
    }
  }

  /* A condition for each record with this status. Tables that the organisation lacks, or hides, have none. */
  async function owners(id) {
    const conditions = [];
    for (const table of Object.keys(LOOKUPS)) {
      try {
        const options = "?$select=" + table + "id&$filter=_dh_spotlerinfo_value eq " + id + "&$top=10";
        const answer = await Xrm.WebApi.retrieveMultipleRecords(table, options);
        answer.entities.forEach(function (row) {
          conditions.push('<condition attribute="' + LOOKUPS[table] + '" operator="eq" value="' + row[table + "id"] + '" />');
        });
      } catch (error) {
        continue;
      }
    }
    return conditions;
  }

  return { onLoad: onLoad };
})();
