"""Starts an MCP server with the command that the arguments are, makes the calls that standard input lists, and prints the answers."""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> list[str]:
    command, *arguments = sys.argv[1:]
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    answers = []
    async with stdio_client(server) as (receive, send), ClientSession(receive, send) as session:
        await session.initialize()
        for tool, content in json.load(sys.stdin):
            answer = await session.call_tool(tool, content)
            answers.append("".join(part.text for part in answer.content))
    return answers


print(json.dumps(asyncio.run(main())))
