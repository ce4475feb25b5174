package dev.stator.api.chat;

import java.util.concurrent.ThreadLocalRandom;

/** The syntax in which a model writes tool calls. */
public enum ToolFormat {
    /** {@code <tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>}: Hermes, Qwen. */
    HERMES("<tool_call>"),
    /** {@code {"name": …, "parameters": {…}}}, maybe after {@code <|python_tag|>}: Llama 3. */
    LLAMA3_JSON("<|python_tag|>"),
    /** {@code [TOOL_CALLS] [{"name": …, "arguments": {…}}]}. */
    MISTRAL("[TOOL_CALLS]"),
    /** {@code [TOOL_CALLS]name[ARGS]{…}}: Mistral's tokenizers from version 11 on. */
    MISTRAL_ARGS("[TOOL_CALLS]"),
    /** The template writes calls in a syntax that is none of these; they stay text. */
    NONE("");

    private static final String ID_CHARACTERS =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    private final String opener;

    ToolFormat(String opener) {
        this.opener = opener;
    }

    /** What announces a call; Llama 3 may leave it out. */
    String opener() {
        return opener;
    }

    /** The format of a chat template that handles tools. */
    static ToolFormat of(String template) {
        if (template.contains("[TOOL_CALLS]")) {
            return template.contains("[ARGS]") ? MISTRAL_ARGS : MISTRAL;
        }
        // Qwen3-Coder and GLM use the tags around another syntax.
        if (template.contains("<tool_call>")
                && !template.contains("<function=")
                && !template.contains("<arg_key>")) {
            return HERMES;
        }
        // The quotes are escaped where the template has them inside a string.
        if (template.contains("<|python_tag|>")
                || template.contains("\"parameters\": ")
                || template.contains("\\\"parameters\\\": ")) {
            return LLAMA3_JSON;
        }
        return NONE;
    }

    /** A fresh id for a call, as the format's templates accept it in the next turn. */
    String newCallId() {
        return switch (this) {
            case MISTRAL, MISTRAL_ARGS -> random(9);
            case HERMES, LLAMA3_JSON, NONE -> "call_" + random(24);
        };
    }

    private static String random(int length) {
        return ThreadLocalRandom.current()
                .ints(length, 0, ID_CHARACTERS.length())
                .collect(
                        StringBuilder::new,
                        (text, i) -> text.append(ID_CHARACTERS.charAt(i)),
                        StringBuilder::append)
                .toString();
    }
}
