"""The conversations that every template is rendered with."""

import json

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather at a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "e.g. \"Zürich\""},
                "unit": {"type": "string", "enum": ["c", "f"]},
            },
            "required": ["city"],
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "clock",
        "description": "The time <now> & here",
        "parameters": {
            "type": "object",
            "properties": {
                "zones": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "options": {
                    "type": "object",
                    "properties": {"utc": {"type": "boolean", "default": True}},
                },
                "offset": {"type": ["number", "null"], "default": None},
            },
        },
        "return": {"type": "string", "description": "ISO"},
    },
}


def message(role, content, **more):
    return {"role": role, "content": content, **more}


def call(id, name, arguments):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


SYSTEM = message("system", "You are terse.")
HELLO = [
    message("user", "Hello"),
    message("assistant", "Hi there"),
    message("user", "Who are you?"),
]
TOOL_TURNS = [
    message("user", "Weather in Oslo?"),
    message(
        "assistant",
        "",
        tool_calls=[call("abcdef123", "get_weather", {"city": "Oslo", "n": 1.5, "deep": [None, True]})],
    ),
    message("tool", '{"temp": -3}', tool_call_id="abcdef123", name="get_weather"),
    message("assistant", "Cold: -3 °C."),
    message("user", "Thanks!"),
]
TWO_CALLS = [
    message("user", "Both?"),
    message(
        "assistant",
        None,
        tool_calls=[
            call("call00001", "get_weather", {"city": "Zürich \"ZH\"\n"}),
            call("call00002", "clock", {}),
        ],
    ),
    message("tool", "5°", tool_call_id="call00001", name="get_weather"),
    message("tool", "noon", tool_call_id="call00002", name="clock"),
]
PARTS = [
    message("system", [{"type": "text", "text": "Look."}]),
    message(
        "user",
        [
            {"type": "image"},
            {"type": "text", "text": "What is this?"},
            {"type": "text", "text": " And that?"},
        ],
    ),
    message("assistant", [{"type": "text", "text": "A cat."}]),
    message("user", [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]),
]
DOCUMENTS = [
    {"title": "Penguins", "text": "Emperors are tall.", "doc_id": "1"},
    {"title": "Habitats", "text": "Only in Antarctica.", "doc_id": 2, "extra": ["a", 1]},
]


def case(messages, generate, **more):
    return {
        "messages": messages,
        "add_generation_prompt": generate,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "tools": None,
        "documents": None,
        "additional_special_tokens": [f"<{i}>" for i in range(20)],
        **more,
    }


CASES = {
    "plain": case(HELLO, True),
    "system": case([SYSTEM, *HELLO], True),
    "no prompt": case([SYSTEM, *HELLO, message("assistant", "A model.")], False),
    "unicode": case(
        [
            message("user", "  naïve 🙂 \"quotes\" 'single' <b>&amp;</b>\n\tline 2\r\n 漢字  "),
            message("assistant", "<think>\nhm\n</think>\n\n ja \\n {{ x }}  "),
            message("user", "\u2028é\u0000"),
        ],
        True,
    ),
    "empty": case([message("system", ""), message("user", "")], True),
    "no messages": case([], True),
    "two users": case([message("user", "a"), message("user", "b")], True),
    "tools": case([SYSTEM, *HELLO], True, tools=[WEATHER, CLOCK]),
    "tool turns": case([SYSTEM, *TOOL_TURNS], True, tools=[WEATHER]),
    "two calls": case(TWO_CALLS, True, tools=[WEATHER, CLOCK]),
    "tool turns without tools": case(TOOL_TURNS, False),
    "arguments as text": case(
        [
            message("user", "x"),
            message("assistant", "ok", tool_calls=[call("abcdef124", "clock", '{"a": 1}')]),
            message("tool", "1", tool_call_id="abcdef124"),
        ],
        True,
        tools=[CLOCK],
    ),
    "parts": case(PARTS, True),
    "documents": case(HELLO, True, documents=DOCUMENTS),
    "thinking": case(
        [
            message("user", "1+1"),
            message("assistant", "2", reasoning_content="one and one", thinking="adding"),
            message("user", "2+2"),
            message("assistant", "<think>two</think>4", reasoning="more"),
            message("user", "3+3"),
        ],
        True,
        enable_thinking=True,
        thinking=True,
        reasoning_effort="high",
    ),
    "no thinking": case([SYSTEM, *HELLO], True, enable_thinking=False, thinking=False),
    "options": case(
        [message("developer", "Be kind."), *HELLO],
        True,
        date_string="1 Jan 2026",
        custom_tools=[WEATHER],
        builtin_tools=["python", "browser"],
        tools_in_user_message=False,
        model_identity="You are Stator.",
        functions=json.dumps([WEATHER["function"]]),
        xml_tools=["<tool/>"],
        continue_final_message=False,
    ),
}
# What a caller that passes nothing but messages leaves undefined.
CASES["bare"] = {"messages": HELLO}
