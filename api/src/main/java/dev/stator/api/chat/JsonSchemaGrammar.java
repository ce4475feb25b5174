package dev.stator.api.chat;

import tools.jackson.databind.JsonNode;

/**
 * JSON Schema as a GBNF grammar, llama.cpp's grammar language; the start symbol is {@code root}.
 */
public final class JsonSchemaGrammar {
    private JsonSchemaGrammar() {}

    /**
     * What this grammar allows satisfies the schema ({@link SchemaCompiler} says which of it).
     *
     * @throws ChatException if the schema uses what cannot be enforced; names the JSON pointer
     */
    public static String of(JsonNode schema) {
        var grammar = new Grammar();
        return grammar.write(
                new SchemaCompiler(schema, grammar, new JsonGrammar(grammar)).compile());
    }

    /** Any JSON object. */
    public static String anyObject() {
        var grammar = new Grammar();
        return grammar.write(new JsonGrammar(grammar).object());
    }
}
