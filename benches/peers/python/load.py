"""A crowd of jobs as asyncio has it: each is submitted, and then a task of its own polls it.

Run with a submit's body, the provider's base URL, the number of jobs, and how many connections
there may be.
"""

import asyncio
import json
import os
import ssl
import sys
from threading import Thread
from time import perf_counter

import httpx


async def crowd(body: str, base_url: str, jobs: int, connections: int) -> None:
    tls = ssl.create_default_context()
    tell("ready", perf_counter())
    await asyncio.to_thread(sys.stdin.readline)
    Thread(target=end_with_standard_input, daemon=True).start()
    begun = perf_counter()
    # A connection each: a client looks through all of its connections at each request, and one
    # with thousands does little else.
    clients = [client(base_url, tls) for _ in range(connections)]
    ids = [await submit(clients[0], body, f"crowd-{number}") for number in range(jobs)]
    tell("submitted", begun)
    async with asyncio.TaskGroup() as tasks:
        for number, job in enumerate(ids):
            tasks.create_task(poll(clients[number % connections], job))


def client(base_url: str, tls: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"authorization": "Bearer sk-crowd"},
        limits=httpx.Limits(max_connections=1),
        # The provider takes its time.
        timeout=None,
        # No proxy: it is on loopback.
        trust_env=False,
        verify=tls,
    )


async def submit(client: httpx.AsyncClient, body: str, key: str) -> str:
    headers = {"content-type": "application/json", "idempotency-key": key}
    reply = await client.post("/v1/jobs", content=body, headers=headers)
    return reply.raise_for_status().json()["id"]


async def poll(client: httpx.AsyncClient, job: str) -> None:
    while True:
        reply = await client.get(f"/v1/jobs/{job}")
        state = reply.raise_for_status().json()
        await asyncio.sleep(state["poll_after_ms"] / 1000)


def tell(name: str, begun: float) -> None:
    """Says what is done, and how long it took."""
    print(json.dumps({name: perf_counter() - begun}), flush=True)


def end_with_standard_input() -> None:
    """Nobody measures any more."""
    sys.stdin.read()
    os._exit(0)


body, base_url, jobs, connections = sys.argv[1:]
asyncio.run(crowd(body, base_url, int(jobs), int(connections)))
