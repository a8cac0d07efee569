// Plays the npm package dynamics-web-api against the sandbox and prints what it saw.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT_FOLDER, "package.json"));
const { DynamicsWebApi } = require("dynamics-web-api");

const api = new DynamicsWebApi({
  serverUrl: process.env.DATAVERSE_URL,
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => process.env.DATAVERSE_TOKEN,
});
const seen = {};

const account = (
  await api.create({ collection: "accounts", data: { name: "Contoso" }, returnRepresentation: true })
).accountid;
const ids = [];
for (const lastname of ["Ant", "Bee", "Cat"]) {
  const row = await api.create({
    collection: "contacts",
    data: { firstname: "Ann", lastname, "parentcustomerid_account@odata.bind": `/accounts(${account})` },
    returnRepresentation: true,
    select: ["contactid"],
  });
  ids.push(row.contactid);
}
const row = await api.retrieve({
  collection: "contacts",
  key: ids[0],
  select: ["fullname"],
  expand: [{ property: "parentcustomerid_account", select: ["name"] }],
  includeAnnotations: "*",
});
seen.read = [row.fullname, row.parentcustomerid_account.name];
seen.single = (
  await api.retrieve({
    collection: "accounts",
    key: account,
    navigationProperty: "contact_customer_accounts",
    navigationPropertyKey: ids[1],
    select: ["lastname"],
  })
).lastname;

const listed = await api.retrieveMultiple({
  collection: "contacts",
  select: ["lastname"],
  filter: "contains(lastname,@p1) or firstname eq lastname",
  queryParams: ["@p1='%t'"],
  orderBy: ["lastname desc"],
  count: true,
});
seen.filtered = [listed.value.map((one) => one.lastname), listed.oDataCount];
seen.paged = (await api.retrieveAll({ collection: "contacts", select: ["lastname"], maxPageSize: 2 })).value.length;
seen.count = await api.count({ collection: "contacts" });

const grouped = await api.fetch({
  collection: "contacts",
  fetchXml:
    '<fetch aggregate="true"><entity name="contact"><attribute name="statecode" alias="s" groupby="true"/>' +
    '<attribute name="contactid" alias="n" aggregate="count"/></entity></fetch>',
});
seen.grouped = grouped.value.map((one) => [one.s, one.n]);
seen.fetched = (
  await api.fetchAll({
    collection: "contacts",
    includeAnnotations: "*",
    fetchXml:
      '<fetch count="2"><entity name="contact"><attribute name="lastname"/><order attribute="lastname"/></entity></fetch>',
  })
).value.map((one) => one.lastname);

await api.update({ collection: "contacts", key: ids[0], data: { jobtitle: "Poet" } });
await api.updateSingleProperty({ collection: "contacts", key: ids[1], fieldValuePair: { jobtitle: "Cook" } });
seen.updated = (await api.retrieveMultiple({ collection: "contacts", select: ["jobtitle"], orderBy: ["lastname"] })).value
  .map((one) => one.jobtitle);
const fresh = "00000000-0000-4000-8000-000000000001";
await api.upsert({ collection: "contacts", key: fresh, data: { lastname: "Dog" } });

await api.associateSingleValued({
  collection: "accounts",
  primaryKey: account,
  navigationProperty: "primarycontactid",
  relatedCollection: "contacts",
  relatedKey: ids[0],
});
await api.associate({
  collection: "accounts",
  primaryKey: account,
  relationshipName: "contact_customer_accounts",
  relatedCollection: "contacts",
  relatedKey: fresh,
});
seen.associated = (
  await api.retrieve({
    collection: "accounts",
    key: account,
    select: ["_primarycontactid_value"],
    expand: [{ property: "contact_customer_accounts", select: ["lastname"] }],
  })
).contact_customer_accounts.length;
await api.disassociate({
  collection: "accounts",
  primaryKey: account,
  relationshipName: "contact_customer_accounts",
  relatedKey: fresh,
});

api.startBatch();
api.create({ collection: "contacts", data: { lastname: "Elk" }, contentId: "1" });
api.update({ collection: "contacts", key: ids[2], data: { jobtitle: "Smith" }, contentId: "2" });
seen.batch = (await api.executeBatch()).length;

await api.deleteRecord({ collection: "contacts", key: fresh });
seen.deleted = await api.retrieve({ collection: "contacts", key: fresh }).catch((error) => error.status);
seen.unknownView = await api
  .retrieveMultiple({ collection: "contacts", savedQuery: "99999999-9999-4999-8999-999999999999" })
  .catch((error) => error.status);

const table = await api.retrieveEntity({
  key: "LogicalName='contact'",
  select: ["LogicalName", "SchemaName", "PrimaryImageAttribute"],
  expand: [{ property: "ManyToManyRelationships", select: ["SchemaName"] }],
});
seen.table = [table.SchemaName, table.PrimaryImageAttribute, table.ManyToManyRelationships.map((one) => one.SchemaName)];
const columns = await api.retrieveAttributes({
  entityKey: "LogicalName='contact'",
  castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
  select: ["LogicalName"],
  expand: [{ property: "OptionSet", select: ["Options"] }],
});
seen.choices = columns.value.find((one) => one.LogicalName === "gendercode").OptionSet.Options.map((one) => one.Value);
seen.relationship = (await api.retrieveRelationship({ key: "SchemaName='contact_customer_accounts'" })).ReferencingAttribute;
seen.choice = (await api.retrieveGlobalOptionSet({ key: "Name='budgetstatus'" })).Name;
seen.whoAmI = typeof (await api.callFunction("WhoAmI")).UserId;
seen.refused = await api.callFunction("RetrieveInstalledLanguagePacks").catch((error) => [error.status, error.message]);

console.log(JSON.stringify(seen));
