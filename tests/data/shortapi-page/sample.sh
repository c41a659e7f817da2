# ShortAPI's page in curl: create a job, take its id out of the reply, ask once.
reply=$(curl --silent --show-error --request POST \
  --url "$BASE_URL/api/v1/job/create" \
  --header "Authorization: Bearer $SHORTAPI_KEY" \
  --header "Content-Type: application/json" \
  --data "$BODY")
job=$(echo "$reply" | grep -o '"job_id": *"[^"]*"' | head -n 1 | sed 's/.*: *"//; s/"//')
curl --silent --show-error --request GET \
  --url "$BASE_URL/api/v1/job/query?id=$job" \
  --header "Authorization: Bearer $SHORTAPI_KEY"
