#!/usr/bin/env python3
"""Writes the golden files: what Python renders, for GoldenTemplatesTest and SnippetsTest.

Run by hand after a template, a conversation or a snippet is added:

    pip install jinja2==3.1.6 && python3 generate.py
"""

import json
import pathlib
import re

import conversations
import environment
import snippets

RESOURCES = pathlib.Path(__file__).parent.parent / "resources"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def write(path, value):
    text = json.dumps(value, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def templates(env, golden):
    write(golden / "conversations.json", conversations.CASES)
    for path in sorted((RESOURCES / "templates").glob("*.jinja")):
        with path.open(encoding="utf-8", newline="") as file:
            source = file.read()
        cases = {
            name: environment.outcome(env, source, variables)
            for name, variables in conversations.CASES.items()
        }
        write(golden / "templates" / f"{path.stem}.json", cases)


def corpus(env, golden):
    results = []
    for source in snippets.SNIPPETS:
        result = environment.outcome(env, source, snippets.VARIABLES)
        if ADDRESS.search(result.get("output", "")):
            raise SystemExit(f"the output has an address in it: {source}")
        results.append({"template": source, **result})
    write(golden / "snippets.json", {"variables": snippets.VARIABLES, "snippets": results})


def main():
    golden = RESOURCES / "golden"
    (golden / "templates").mkdir(parents=True, exist_ok=True)
    env = environment.environment()
    templates(env, golden)
    corpus(env, golden)


if __name__ == "__main__":
    main()
