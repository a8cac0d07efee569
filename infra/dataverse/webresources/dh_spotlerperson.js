/* The command New Spotler Job of contacts, accounts and leads (UI-05). For one record it opens the form of a job with
   the record filled in. For several it asks, and creates one job with operation Sync Contact for each record: the other
   operations need more than the record, or take something away from it.

   On the form: function SpotlerPerson.newJob, parameter PrimaryControl. In a view: function SpotlerPerson.newJobs,
   parameters SelectedControl and SelectedControlSelectedItemReferences. The installer registers both
   (infra/dataverse/commands). Plain JavaScript, no build step. */
// eslint-disable-next-line no-unused-vars
var SpotlerPerson = (function () {
  "use strict";

  const TITLE = "New Spotler Job";
  const SYNC_CONTACT = 480000006; // of the choice dh_operation
  const LONGEST_NAME = 200; // of dh_name
  const UPDATE = 2; // formContext.ui.getFormType(): neither new, nor deactivated, nor read-only
  const SETS = { contact: "contacts", account: "accounts", lead: "leads" };
  const NAVIGATION = { contact: "dh_CustomerId_contact", account: "dh_CustomerId_account", lead: "dh_LeadId" };

  function newJob(form) {
    if (form.ui.getFormType() !== UPDATE) {
      return tell("Save the record, or activate it, before you create a Spotler Job for it.");
    }
    const entity = form.data.entity;
    return open(bare(entity.getId()), entity.getEntityName(), entity.getPrimaryAttributeValue());
  }

  async function newJobs(grid, references) {
    if (!references || !references.length) {
      return tell("Select one or more records first.");
    }
    if (references.length === 1) {
      const only = references[0];
      return open(bare(only.Id), only.TypeName, only.Name);
    }
    const text = references.length + " Spotler Jobs will be created, one for each record. Each synchronises its record to Spotler.";
    const answer = await Xrm.Navigation.openConfirmDialog({ title: TITLE, text: text });
    if (!answer.confirmed) {
      return;
    }
    const failed = [];
    for (const reference of references) {
      try {
        await Xrm.WebApi.createRecord("dh_spotlerjob", job(reference));
      } catch (error) {
        failed.push(error.message);
      }
    }
    grid.refresh();
    if (failed.length) {
      const done = references.length - failed.length;
      await Xrm.Navigation.openErrorDialog({
        message: done + " Spotler Jobs were created, " + failed.length + " were refused: " + failed[0],
      });
    }
  }

  function job(reference) {
    const row = {
      dh_name: ("Sync Contact: " + (reference.Name || "")).slice(0, LONGEST_NAME),
      dh_operation: SYNC_CONTACT,
    };
    row[NAVIGATION[reference.TypeName] + "@odata.bind"] = "/" + SETS[reference.TypeName] + "(" + bare(reference.Id) + ")";
    return row;
  }

  function open(id, table, name) {
    const column = table === "lead" ? "dh_leadid" : "dh_customerid";
    const values = {};
    values[column] = [{ id: id, entityType: table, name: name || "" }];
    return Xrm.Navigation.openForm({ entityName: "dh_spotlerjob" }, values);
  }

  function bare(id) {
    return id.replace(/[{}]/g, "").toLowerCase();
  }

  function tell(text) {
    return Xrm.Navigation.openAlertDialog({ title: TITLE, text: text });
  }

  return { newJob: newJob, newJobs: newJobs };
})();
