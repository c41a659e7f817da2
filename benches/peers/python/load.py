"""Many jobs in asyncio: each is submitted, and then polled by a task of its own.

The arguments are a submit's body, the provider's base URL, the number of jobs and the maximum
number of connections.
"""

import asyncio
import json
import os
import ssl
import sys
from threading import Thread
from time import perf_counter

import httpx


async def run(body: str, base_url: str, jobs: int, connections: int) -> None:
    tls = ssl.create_default_context()
    report("ready", perf_counter())
    await asyncio.to_thread(sys.stdin.readline)
    Thread(target=end_with_standard_input, daemon=True).start()
    begun = perf_counter()
    # One client for each connection: a client searches all of its connections at each request,
    # which is slow with thousands.
    clients = [client(base_url, tls) for _ in range(connections)]
    ids = [await submit(clients[0], body, f"load-{number}") for number in range(jobs)]
    report("submitted", begun)
    async with asyncio.TaskGroup() as tasks:
        for number, job in enumerate(ids):
            tasks.create_task(poll(clients[number % connections], job))


def client(base_url: str, tls: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"authorization": "Bearer sk-load"},
        limits=httpx.Limits(max_connections=1),
        # The provider holds its replies.
        timeout=None,
        # No proxy: the provider is on loopback.
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


def report(name: str, begun: float) -> None:
    """Prints the name of a finished step and its duration."""
    print(json.dumps({name: perf_counter() - begun}), flush=True)


def end_with_standard_input() -> None:
    """Ends the process when the benchmark closes standard input."""
    sys.stdin.read()
    os._exit(0)


body, base_url, jobs, connections = sys.argv[1:]
asyncio.run(run(body, base_url, int(jobs), int(connections)))
