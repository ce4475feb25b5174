package dev.stator.acceptance;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;

/** A running server and clients of it. */
final class Served implements AutoCloseable {
    private final StatorProcess process;
    private final Http http;
    private final OpenAIClient openAi;

    Served(StatorProcess process) {
        this.process = process;
        this.http = new Http(process.url());
        this.openAi = openAi(baseUrl());
    }

    /**
     * The official client; no more than its address and key are set, and that it does not retry.
     */
    private static OpenAIClient openAi(String baseUrl) {
        return openAi(baseUrl, "any");
    }

    static OpenAIClient openAi(String baseUrl, String key) {
        return OpenAIOkHttpClient.builder().baseUrl(baseUrl).apiKey(key).maxRetries(0).build();
    }

    StatorProcess process() {
        return process;
    }

    Http http() {
        return http;
    }

    OpenAIClient openAi() {
        return openAi;
    }

    /** As client libraries want it. */
    String baseUrl() {
        return process.url() + "/v1";
    }

    Metrics metrics() {
        return Metrics.of(http);
    }

    @Override
    public void close() {
        openAi.close();
        http.close();
        process.close();
    }
}
