package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every wrong field is refused by name. */
@TestInstance(Lifecycle.PER_CLASS)
class ValidationTest {
    private final StubFabric fabric = new StubFabric();
    private ApiServer server;
    private Client client;

    @BeforeAll
    void start() {
        server = ApiServer.start(ApiOptions.of("stub", 0), fabric);
        client = new Client(server.port());
    }

    @AfterAll
    void stop() {
        client.close();
        server.close();
    }

    private void assertRefused(String path, String body, String param) throws Exception {
        var reply = client.post(path, body);
        assertThat(reply.status()).as(body + " → " + reply.text()).isEqualTo(400);
        assertThat(reply.json().at("/error/param").asString("")).as(reply.text()).isEqualTo(param);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "model | \"model\": 5",
                "temperature | \"temperature\": \"hot\"",
                "temperature | \"temperature\": 2.1",
                "temperature | \"temperature\": -0.1",
                "temperature | \"temperature\": 1e999",
                "temperature | \"temperature\": true",
                "top_p | \"top_p\": 0",
                "top_p | \"top_p\": 1.5",
                "top_k | \"top_k\": -2",
                "top_k | \"top_k\": 1.5",
                "top_k | \"top_k\": 99999999999999999999999",
                "min_p | \"min_p\": 2",
                "repetition_penalty | \"repetition_penalty\": 0",
                "frequency_penalty | \"frequency_penalty\": 3",
                "presence_penalty | \"presence_penalty\": -3",
                "logit_bias | \"logit_bias\": []",
                "logit_bias | \"logit_bias\": {\"x\": 1}",
                "logit_bias | \"logit_bias\": {\"100000\": 1}",
                "logit_bias.5 | \"logit_bias\": {\"5\": 101}",
                "seed | \"seed\": 1.5",
                "seed | \"seed\": 99999999999999999999999",
                "n | \"n\": 0",
                "n | \"n\": 129",
                "n | \"n\": \"1\"",
                "max_tokens | \"max_tokens\": 0",
                "max_tokens | \"max_tokens\": -1",
                "max_completion_tokens | \"max_completion_tokens\": 0.5",
                "stop | \"stop\": 5",
                "stop | \"stop\": \"\"",
                "stop[1] | \"stop\": [\"a\", 5]",
                "stop | \"stop\": [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]",
                "stop_token_ids[0] | \"stop_token_ids\": [-1]",
                "stop_token_ids | \"stop_token_ids\": 5",
                "ignore_eos | \"ignore_eos\": 1",
                "stream | \"stream\": \"yes\"",
                "stream_options | \"stream_options\": true",
                "stream_options.include_usage | \"stream_options\": {\"include_usage\": 1}",
                "logprobs | \"logprobs\": 5",
                "top_logprobs | \"logprobs\": true, \"top_logprobs\": 21",
                "top_logprobs | \"top_logprobs\": 2",
                "cache_salt | \"cache_salt\": 5",
                "service_tier | \"service_tier\": \"scale\"",
                "service_tier | \"service_tier\": 1",
                "functions | \"functions\": []",
                "function_call | \"function_call\": \"auto\"",
                "modalities | \"modalities\": [\"text\", \"audio\"]",
                "tools | \"tools\": {}",
                "tools[0] | \"tools\": [5]",
                "tools[0].type | \"tools\": [{}]",
                "tools[0].type | \"tools\": [{\"type\": \"web\"}]",
                "tools[0].function | \"tools\": [{\"type\": \"function\"}]",
                "tools[0].function.name | \"tools\": [{\"type\": \"function\", \"function\": {}}]",
                "tools[0].function.name | \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a b\"}}]",
                "tools[0].function.parameters | \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\", \"parameters\": 5}}]",
                "tool_choice | \"tool_choice\": \"maybe\"",
                "tool_choice | \"tool_choice\": \"required\"",
                "tool_choice.type | \"tool_choice\": {}",
                "tool_choice.function | \"tool_choice\": {\"type\": \"function\"}",
                "tool_choice | \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\"}}], \"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"b\"}}",
                "response_format | \"response_format\": \"json\"",
                "response_format.type | \"response_format\": {}",
                "response_format.type | \"response_format\": {\"type\": \"xml\"}",
                "response_format.json_schema | \"response_format\": {\"type\": \"json_schema\"}",
                "response_format.json_schema.schema | \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\"}}",
                "response_format.json_schema.schema | \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\", \"schema\": 5}}",
                "chat_template_kwargs | \"chat_template_kwargs\": []",
                "continue_final_message | \"continue_final_message\": true, \"add_generation_prompt\": true",
            })
    void aWrongChatField(String param, String field) throws Exception {
        assertRefused(
                "/v1/chat/completions",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], " + field + "}",
                param);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "messages | null",
                "messages | []",
                "messages | {}",
                "messages[0] | [5]",
                "messages[0].role | [{}]",
                "messages[0].role | [{\"role\": \"king\", \"content\": \"\"}]",
                "messages[0].content | [{\"role\": \"user\"}]",
                "messages[0].content | [{\"role\": \"user\", \"content\": 5}]",
                "messages[0].content | [{\"role\": \"assistant\"}]",
                "messages[0].content[0] | [{\"role\": \"user\", \"content\": [\"x\"]}]",
                "messages[0].content[0].type | [{\"role\": \"user\", \"content\": [{}]}]",
                "messages[0].content[0].text | [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]",
                "messages[0].content[0].type | [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]",
                "messages[0].content[0].type | [{\"role\": \"user\", \"content\": [{\"type\": \"input_audio\"}]}]",
                "messages[0].cache_control | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": 5}]",
                "messages[0].cache_control.type | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {}}]",
                "messages[0].cache_control.type | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"lasting\"}}]",
                "messages[0].cache_control.ttl | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\", \"ttl\": \"2h\"}}]",
                "messages[0].cache_control.ttl | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\", \"ttl\": 300}}]",
                "messages[0].content[0].cache_control.type | [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"x\", \"cache_control\": {\"type\": 1}}]}]",
                "messages[4].cache_control | [{\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}, {\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}, {\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}, {\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}, {\"role\": \"user\", \"content\": \"x\", \"cache_control\": {\"type\": \"ephemeral\"}}]",
                "messages[0].tool_calls[0].function | [{\"role\": \"assistant\", \"tool_calls\": [{}]}]",
                "messages[0].tool_calls[0].function.name | [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {}}]}]",
            })
    void aWrongMessage(String param, String messages) throws Exception {
        assertRefused("/v1/chat/completions", "{\"messages\": " + messages + "}", param);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "prompt | \"x\": 1",
                "prompt | \"prompt\": 5",
                "prompt | \"prompt\": \"\"",
                "prompt | \"prompt\": []",
                "prompt | \"prompt\": [\"a\", \"\"]",
                "prompt | \"prompt\": [[]]",
                "prompt[1] | \"prompt\": [\"a\", true]",
                "prompt[1] | \"prompt\": [1, \"a\"]",
                "prompt[0] | \"prompt\": [258]",
                "prompt[0][1] | \"prompt\": [[1, -1]]",
                "suffix | \"prompt\": \"a\", \"suffix\": \"b\"",
                "best_of | \"prompt\": \"a\", \"best_of\": 2",
                "logprobs | \"prompt\": \"a\", \"logprobs\": true",
                "logprobs | \"prompt\": \"a\", \"logprobs\": 21",
                "echo | \"prompt\": \"a\", \"logprobs\": 1, \"echo\": true",
                "max_tokens | \"prompt\": \"a\", \"max_tokens\": 0",
                "n | \"prompt\": [\"a\", \"b\", \"c\"], \"n\": 100",
            })
    void aWrongCompletionField(String param, String fields) throws Exception {
        assertRefused("/v1/completions", "{" + fields + "}", param);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "/v1/embeddings | input | {}",
                "/v1/embeddings | input | {\"input\": \"\"}",
                "/v1/embeddings | dimensions | {\"input\": \"a\", \"dimensions\": 2}",
                "/v1/embeddings | encoding_format | {\"input\": \"a\", \"encoding_format\": \"hex\"}",
                "/tokenize | prompt | {}",
                "/tokenize | add_special_tokens | {\"prompt\": \"a\", \"add_special_tokens\": 1}",
                "/detokenize | tokens | {}",
                "/detokenize | tokens[0] | {\"tokens\": [258]}",
            })
    void aWrongField(String path, String param, String body) throws Exception {
        assertRefused(path, body, param);
    }

    @Test
    void nullCountsAsAbsent() throws Exception {
        var reply =
                client.post(
                        "/v1/chat/completions",
                        """
                        {"model": null, "messages": [{"role": "user", "content": "x"}], "stop": null,
                         "temperature": null, "n": null, "tools": null, "tool_choice": null,
                         "stream": null, "stream_options": null, "response_format": null}\
                        """);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    @Test
    void whatExceedsTheContextIsRefusedWithTheCounts() throws Exception {
        var reply =
                client.post(
                        "/v1/completions",
                        "{\"prompt\": \"%s\", \"max_tokens\": 100}".formatted("x".repeat(1920)));
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.json().at("/error/code").asString()).isEqualTo("context_length_exceeded");
        assertThat(reply.json().at("/error/message").asString())
                .contains("2000 tokens", "2021 tokens", "1921 in the prompt", "100 for the answer");

        var full =
                client.post(
                        "/v1/chat/completions",
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]}"
                                .formatted("x".repeat(3000)));
        assertThat(full.json().at("/error/code").asString()).isEqualTo("context_length_exceeded");

        var embedding =
                client.post("/v1/embeddings", "{\"input\": \"%s\"}".formatted("x".repeat(101)));
        assertThat(embedding.json().at("/error/code").asString())
                .isEqualTo("context_length_exceeded");
    }

    @Test
    void answerFormatsExcludeToolCalls() throws Exception {
        assertRefused(
                "/v1/chat/completions",
                """
                {"messages": [{"role": "user", "content": "x"}],
                 "tools": [{"type": "function", "function": {"name": "a"}}],
                 "response_format": {"type": "json_object"}}\
                """,
                "response_format");
    }
}
