// ShortAPI's page in JavaScript: the job's id is read at the top of the reply.
const { BASE_URL, SHORTAPI_KEY, BODY } = process.env;
const authorization = `Bearer ${SHORTAPI_KEY}`;
const created = await fetch(`${BASE_URL}/api/v1/job/create`, {
  method: "POST",
  headers: { Authorization: authorization, "Content-Type": "application/json" },
  body: JSON.stringify(JSON.parse(BODY)),
});
const { job_id } = await created.json();
const queried = await fetch(`${BASE_URL}/api/v1/job/query?id=${job_id}`, {
  method: "GET",
  headers: { Authorization: authorization },
});
console.log(JSON.stringify(await queried.json()));
