package dev.stator.api;

/** What is done with the body of a POST. Thread-safe. */
interface Endpoint {
    /**
     * Runs on a virtual thread; answers through the exchange's event loop.
     *
     * @throws ApiException if the request is refused
     * @throws dev.stator.api.chat.ChatException if the conversation is refused
     */
    void handle(Exchange exchange, byte[] body);
}
