package dev.stator.api;

import dev.stator.api.documents.DocumentOrder;
import dev.stator.serving.ClusterStatus;
import io.vertx.core.http.HttpMethod;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Which request goes where. Called on event loops; thread-safe. */
final class Routes implements AutoCloseable {
    private static final String MODELS = "/v1/models";

    /** As many as a router keeps. */
    private static final int MAX_DECISIONS = 1000;

    private static final int REMEMBERED_DOCUMENTS = 65_536;

    private final Service service;
    private final Auth auth;
    private final CacheEndpoints cache;
    private final CacheFileEndpoints files;
    private final DocumentEndpoints documents;
    private final Optional<Library> library;
    private final Map<String, Endpoint> posts;

    Routes(Service service) {
        this.service = service;
        this.auth = new Auth(service.options().apiKeys());
        var chat = Chat.of(service.fabric().model(), service.fabric().tokenizer());
        var order = new DocumentOrder(REMEMBERED_DOCUMENTS);
        this.library = library(service, chat, order);
        var conversations = new Conversations(service, chat, order, library);
        var tokens = new TokenEndpoints(service, chat, library);
        var anthropic = new AnthropicEndpoint(service, conversations);
        this.cache = new CacheEndpoints(service);
        this.files = new CacheFileEndpoints(service, cache::files);
        this.documents = new DocumentEndpoints(service, library);
        this.posts =
                Map.ofEntries(
                        entry("/v1/chat/completions", new ChatEndpoint(service, conversations)),
                        entry("/v1/messages", anthropic),
                        entry("/v1/messages/count_tokens", anthropic::count),
                        entry("/v1/completions", new CompletionEndpoint(service)),
                        entry("/v1/embeddings", new EmbeddingEndpoint(service)),
                        entry("/tokenize", tokens::tokenize),
                        entry("/detokenize", tokens::detokenize),
                        entry("/admin/cache/pin", cache::pin),
                        entry("/admin/cache/unpin", cache::unpin),
                        entry("/admin/cache/drop", cache::drop),
                        entry("/admin/cache/verify", cache::verify));
    }

    private static Optional<Library> library(Service service, Chat chat, DocumentOrder order) {
        var options = service.options();
        return chat instanceof Chat.Possible(var model) && service.fabric().model().generates()
                ? service.fabric()
                        .texts()
                        .map(
                                texts ->
                                        new Library(
                                                model,
                                                texts,
                                                order,
                                                service.passages(),
                                                service.answers(),
                                                options.splicing() instanceof Splicing.Allowed,
                                                options.documentQuotaBytes(),
                                                options.waiting().cachePercent(),
                                                service.fabric().contextTokens(),
                                                service.metrics()::document))
                : Optional.empty();
    }

    /** Takes up what an earlier process has left. */
    void start() {
        library.ifPresent(Library::start);
    }

    /** Ends what goes on without requests. */
    @Override
    public void close() {
        library.ifPresent(Library::close);
    }

    private static Map.Entry<String, Endpoint> entry(String path, Endpoint endpoint) {
        return Map.entry(path, endpoint);
    }

    void handle(Exchange exchange, Intake intake) {
        var path = exchange.request().path();
        if (path == null) {
            exchange.fail(new ApiError.UnknownPath("The request names no path."));
            return;
        }
        if (isOpen(path)) {
            if (reads(exchange, path)) {
                open(exchange, path);
            }
            return;
        }
        var authorization = exchange.header("authorization");
        var apiKey = exchange.header("x-api-key");
        auth.refusal(authorization, apiKey)
                .ifPresentOrElse(
                        exchange::fail,
                        () -> {
                            exchange.tenant(auth.tenant(authorization, apiKey));
                            authorised(exchange, path, intake);
                        });
    }

    private static boolean isOpen(String path) {
        return path.startsWith("/health") || path.equals("/metrics");
    }

    /** Health and metrics need no key: those who watch a server have none. */
    private void open(Exchange exchange, String path) {
        switch (path) {
            case "/health", "/health/live" ->
                    exchange.respond(200, Json.object().put("status", "live"));
            case "/health/ready" -> aside(exchange, () -> ready(exchange));
            case "/metrics" -> aside(exchange, () -> metrics(exchange));
            default -> unknown(exchange, path);
        }
    }

    /** The fabric's locks are none of the event loop's business. */
    private static void aside(Exchange exchange, Runnable task) {
        Thread.ofVirtual().start(() -> Preparation.attempt(exchange, task));
    }

    private void ready(Exchange exchange) {
        boolean draining = service.fabric().stats().queue().draining();
        boolean alone = service.fabric().cluster().filter(Routes::hasNoNode).isPresent();
        var state = draining ? "draining" : alone ? "without nodes" : "ready";
        var body = Json.object().put("status", state);
        exchange.loop().post(() -> exchange.respond(draining || alone ? 503 : 200, body));
    }

    private static boolean hasNoNode(ClusterStatus status) {
        return status.members().stream()
                .noneMatch(
                        member ->
                                member.role().equals("node")
                                        && !member.duty().equals("prefill")
                                        && member.state().equals("serving"));
    }

    private void metrics(Exchange exchange) {
        byte[] text = service.metrics().scrape();
        exchange.loop().post(() -> exchange.respond(200, Metrics.CONTENT_TYPE, text));
    }

    private void authorised(Exchange exchange, String path, Intake intake) {
        var endpoint = Optional.ofNullable(posts.get(path));
        if (endpoint.isPresent()) {
            post(exchange, path, endpoint.get(), intake);
        } else if (path.equals("/admin/route")) {
            if (reads(exchange, path)) {
                aside(exchange, () -> routed(exchange));
            }
        } else if (path.equals("/admin/cluster")) {
            if (reads(exchange, path)) {
                aside(exchange, () -> clustered(exchange));
            }
        } else if (path.equals("/admin/cache")) {
            if (reads(exchange, path)) {
                aside(exchange, () -> cached(exchange));
            }
        } else if (path.equals("/admin/cache/export")) {
            if (isMethod(exchange, path, HttpMethod.GET)) {
                export(exchange);
            }
        } else if (path.equals("/admin/cache/import")) {
            if (isMethod(exchange, path, HttpMethod.POST)
                    && isType(
                            exchange,
                            CacheFileEndpoints.MEDIA_TYPE::equalsIgnoreCase,
                            CacheFileEndpoints.MEDIA_TYPE,
                            false)) {
                files.read(exchange);
            }
        } else if (path.equals(DocumentEndpoints.PATH)
                || path.startsWith(DocumentEndpoints.PATH + "/")) {
            documents.handle(exchange, path, intake);
        } else if (path.equals(MODELS)) {
            if (reads(exchange, path)) {
                exchange.respond(200, service.model().list());
            }
        } else if (path.startsWith(MODELS + "/")) {
            if (reads(exchange, path)) {
                model(exchange, path.substring(MODELS.length() + 1));
            }
        } else {
            unknown(exchange, path);
        }
    }

    /**
     * {@code ?request=N}: how that request was routed. {@code ?last=N}: the last ones, latest
     * first.
     */
    private void routed(Exchange exchange) {
        var request = exchange.request().getParam("request");
        var body = Json.object();
        var decisions = body.putArray("decisions");
        if (request == null) {
            int last =
                    (int) number("last", exchange.request().getParam("last", "10"), MAX_DECISIONS);
            service.fabric().decisions(last).forEach(known -> decisions.add(RouteView.of(known)));
        } else {
            var known = service.fabric().decision(number("request", request, Long.MAX_VALUE));
            if (known.isEmpty()) {
                throw new ApiException(
                        new ApiError.UnknownPath(
                                "No decision is kept for request %s; only the last %d are."
                                        .formatted(request, MAX_DECISIONS)));
            }
            decisions.add(RouteView.of(known.get()));
        }
        exchange.loop().post(() -> exchange.respond(200, body));
    }

    private void clustered(Exchange exchange) {
        var status = service.fabric().cluster();
        if (status.isEmpty()) {
            throw new ApiException(
                    new ApiError.UnknownPath(
                            "This server does all in one process; only a frontend knows a cluster."));
        }
        var body = ClusterView.of(status.get());
        exchange.loop().post(() -> exchange.respond(200, body));
    }

    /** {@code ?prefixes=N&order=saved|latest}. */
    private void cached(Exchange exchange) {
        var request = exchange.request();
        int prefixes =
                (int)
                        number(
                                "prefixes",
                                request.getParam("prefixes", "20"),
                                CacheEndpoints.MAX_PREFIXES);
        cache.show(exchange, prefixes, CacheEndpoints.order(request.getParam("order", "saved")));
    }

    /** {@code ?prefix=KEY}. */
    private void export(Exchange exchange) {
        var key = exchange.request().getParam("prefix", "");
        if (CacheEndpoints.isKey(key)) {
            files.export(exchange, key);
        } else {
            exchange.fail(
                    ApiError.invalid(
                            "prefix",
                            "`prefix` must be 32 hexadecimal digits as GET /admin/cache lists them."));
        }
    }

    static long number(String name, String text, long most) {
        try {
            long number = Long.parseLong(text);
            if (number >= 1 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new ApiException(
                ApiError.invalid(
                        "`%s` must be a whole number from 1 to %d.".formatted(name, most)));
    }

    private void post(Exchange exchange, String path, Endpoint endpoint, Intake intake) {
        if (isMethod(exchange, path, HttpMethod.POST)
                && isType(exchange, Routes::isJson, "application/json", true)) {
            intake.read(exchange, body -> endpoint.handle(exchange, body));
        }
    }

    /** Whether the request has this method; answers 405 otherwise. */
    private static boolean isMethod(Exchange exchange, String path, HttpMethod method) {
        var its = exchange.request().method();
        if (its.equals(method)) {
            return true;
        }
        exchange.fail(new ApiError.WrongMethod(its.name(), path, method.name()));
        return false;
    }

    /** Whether the body is of the type; answers 415 otherwise. */
    private static boolean isType(
            Exchange exchange, Predicate<String> wanted, String name, boolean mayBeAbsent) {
        var type = exchange.header("content-type").orElse(mayBeAbsent ? name : "none");
        if (wanted.test(type)) {
            return true;
        }
        exchange.fail(
                new ApiError.WrongMediaType(
                        "The content type must be %s, not %s."
                                .formatted(name, type.length() > 100 ? "…" : type)));
        return false;
    }

    private static boolean isJson(String contentType) {
        var type = contentType.split(";", 2)[0].strip();
        return type.equalsIgnoreCase("application/json")
                || type.regionMatches(true, Math.max(0, type.length() - 5), "+json", 0, 5);
    }

    private void model(Exchange exchange, String encoded) {
        var asked = decoded(encoded);
        if (service.model().names().contains(asked)) {
            exchange.respond(200, service.model().json(asked));
        } else {
            exchange.fail(new ApiError.UnknownModel(asked, service.model().names()));
        }
    }

    static String decoded(String encoded) {
        try {
            return URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return encoded;
        }
    }

    /** Whether this is a GET or HEAD; answers 405 otherwise. */
    private static boolean reads(Exchange exchange, String path) {
        var method = exchange.request().method();
        if (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD)) {
            return true;
        }
        exchange.fail(new ApiError.WrongMethod(method.name(), path, "GET, HEAD"));
        return false;
    }

    private static void unknown(Exchange exchange, String path) {
        exchange.fail(
                new ApiError.UnknownPath(
                        "There is nothing at %s."
                                .formatted(path.length() > 200 ? "this path" : path)));
    }
}
