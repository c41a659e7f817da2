# ShortAPI's page in Python: the job's id is read at the top of the reply.
import json
import os

import requests

base_url, body = os.environ["BASE_URL"], json.loads(os.environ["BODY"])
headers = {
    "Authorization": f"Bearer {os.environ['SHORTAPI_KEY']}",
    "Content-Type": "application/json",
}
created = requests.post(f"{base_url}/api/v1/job/create", headers=headers, json=body)
job = created.json().get("job_id")
queried = requests.get(
    f"{base_url}/api/v1/job/query?id={job}",
    headers={"Authorization": headers["Authorization"]},
)
print(json.dumps(queried.json()))
