package dev.stator.api;

import dev.stator.api.StoredDocument.Owner;
import dev.stator.api.chat.ChatException;
import dev.stator.serving.Texts;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /v1/documents}: documents that are stored, prefilled ahead of any question, named by their
 * ids in requests, and erased with all that was made of them.
 */
final class DocumentEndpoints {
    static final String PATH = "/v1/documents";

    private static final Logger LOG = LoggerFactory.getLogger(DocumentEndpoints.class);
    private static final List<String> LINES = List.of("application/jsonl", "application/x-ndjson");
    private static final String EVENTS = "text/event-stream";
    private static final int MOST_AT_ONCE = 1_000;
    private static final int USUAL_PAGE = 100;
    private static final int MOST_PAGE = 1_000;
    private static final long MOST_SECONDS = Duration.ofDays(3650).toSeconds();

    /** Most erasures are done by then; the others go on. */
    private static final Duration ERASED_WITHIN = Duration.ofSeconds(10);

    private final Service service;
    private final Optional<Library> library;

    /**
     * @param library empty if nothing is cached, or the model holds no conversations
     */
    DocumentEndpoints(Service service, Optional<Library> library) {
        this.service = service;
        this.library = library;
    }

    private Library library() {
        return library.orElseThrow(
                () ->
                        new ApiException(
                                new ApiError.Conflict(
                                        "This server stores no documents: its model holds no conversations, or nothing is cached (--host-cache 0, or a model whose KV cannot be cut into blocks).")));
    }

    /** To be called in the request handler. */
    void handle(Exchange exchange, String path, Intake intake) {
        var method = exchange.request().method();
        if (path.equals(PATH) && method.equals(HttpMethod.POST)) {
            post(exchange, intake);
        } else if (path.equals(PATH) && method.equals(HttpMethod.GET)) {
            aside(exchange, () -> list(exchange));
        } else if (path.equals(PATH)) {
            exchange.fail(new ApiError.WrongMethod(method.name(), path, "GET, POST"));
        } else if (method.equals(HttpMethod.GET)) {
            aside(exchange, () -> show(exchange, id(path)));
        } else if (method.equals(HttpMethod.DELETE)) {
            aside(exchange, () -> delete(exchange, id(path)));
        } else {
            exchange.fail(new ApiError.WrongMethod(method.name(), path, "GET, DELETE"));
        }
    }

    private static void aside(Exchange exchange, Runnable task) {
        Thread.ofVirtual().start(() -> Preparation.attempt(exchange, task));
    }

    private static String id(String path) {
        return Routes.decoded(path.substring(PATH.length() + 1));
    }

    /** Of a request without a body. */
    private static Owner owner(Exchange exchange) {
        return new Owner(exchange.tenant(), exchange.request().getParam("cache_salt", ""));
    }

    private void post(Exchange exchange, Intake intake) {
        var type =
                exchange.header("content-type")
                        .orElse("application/json")
                        .split(";", 2)[0]
                        .strip()
                        .toLowerCase(Locale.ROOT);
        if (LINES.contains(type)) {
            var body = BodyStream.of(exchange, service.options().maxStall());
            var accept = exchange.header("accept").orElse("");
            Thread.ofVirtual()
                    .name("documents " + exchange.requestId())
                    .start(
                            () ->
                                    Preparation.attempt(
                                            exchange, () -> upload(exchange, body, accept)));
        } else if (type.equals("application/json")) {
            intake.read(exchange, body -> store(exchange, Json.parseAny(body)));
        } else {
            exchange.fail(
                    new ApiError.WrongMediaType(
                            "The content type must be application/json, or application/jsonl for one document a line."));
        }
    }

    // One or many

    private void store(Exchange exchange, JsonNode body) {
        switch (body) {
            case ObjectNode one ->
                    Service.reply(
                            exchange,
                            json(library().put(stored(Fields.of(one), exchange.tenant()))));
            case ArrayNode many -> storeAll(exchange, many);
            default ->
                    throw new ApiException(
                            ApiError.invalid(
                                    "The request body must be a document, or an array of documents."));
        }
    }

    /** All are checked before the first is stored. */
    private void storeAll(Exchange exchange, ArrayNode many) {
        if (many.size() > MOST_AT_ONCE) {
            throw new ApiException(
                    ApiError.invalid(
                            "An array may have at most %d documents, not %d; send more as application/jsonl, one a line."
                                    .formatted(MOST_AT_ONCE, many.size())));
        }
        var all = new ArrayList<StoredDocument>();
        for (int i = 0; i < many.size(); i++) {
            if (!(many.get(i) instanceof ObjectNode object)) {
                throw new ApiException(
                        ApiError.invalid("[%d]".formatted(i), "A document must be an object."));
            }
            all.add(stored(new Fields(object, "[%d].".formatted(i)), exchange.tenant()));
        }
        var list = Json.object().put("object", "list");
        var data = list.putArray("data");
        for (var each : all) {
            data.add(json(library().put(each)));
        }
        Service.reply(exchange, list);
    }

    private static StoredDocument stored(Fields fields, String tenant) {
        var text = DocumentFields.text(fields);
        var title = DocumentFields.title(fields);
        var id = DocumentFields.id(fields).orElseGet(() -> idOf(title, text));
        var system = fields.string("system").filter(its -> !its.isEmpty());
        var seconds = fields.longInteger("ttl_seconds");
        if (seconds.isPresent()
                && (seconds.getAsLong() < 1 || seconds.getAsLong() > MOST_SECONDS)) {
            throw fields.wrong(
                    "ttl_seconds",
                    "`ttl_seconds` must be between 1 and %d.".formatted(MOST_SECONDS));
        }
        var now = Instant.now();
        return new StoredDocument(
                UUID.randomUUID().toString(),
                new Owner(tenant, fields.string("cache_salt").orElse("")),
                LibraryLog.document(id, title, text),
                system,
                now,
                seconds.isPresent()
                        ? Optional.of(now.plusSeconds(seconds.getAsLong()))
                        : Optional.empty(),
                fields.flag("pin", false));
    }

    private static String idOf(String title, String text) {
        return "doc-" + Auth.fingerprint(title + "\n" + text);
    }

    // Lines

    /** How the lines of an upload have fared. */
    private static final class Progress {
        long line;
        long stored;
        long failed;
        long tokens;
        final ArrayNode problems = Json.array();

        ObjectNode json() {
            return Json.object()
                    .put("lines", line)
                    .put("stored", stored)
                    .put("failed", failed)
                    .put("tokens", tokens);
        }
    }

    /** Problems that are listed; all are counted, and told line by line where that is asked for. */
    private static final int LISTED_PROBLEMS = 100;

    private void upload(Exchange exchange, BodyStream body, String accept) {
        var library = library();
        var told =
                accept.contains(EVENTS)
                        ? Optional.of(EVENTS)
                        : LINES.stream().filter(accept::contains).findFirst();
        var progress = new Progress();
        try {
            told.ifPresent(type -> exchange.loop().post(() -> begin(exchange, type)));
            var line = new ByteArrayOutputStream();
            for (int b = body.read(); b >= 0; b = body.read()) {
                if (b != '\n') {
                    line.write(b);
                    if (line.size() > service.options().maxBodyBytes()) {
                        throw new ApiException(
                                new ApiError.TooLarge(service.options().maxBodyBytes()));
                    }
                } else {
                    line(exchange, library, line, progress, told);
                }
            }
            line(exchange, library, line, progress, told);
            var summary = progress.json().put("object", "document.upload").put("done", true);
            summary.set("problems", progress.problems);
            if (told.isEmpty()) {
                Service.reply(exchange, summary);
            } else {
                tell(exchange, told.get(), summary);
                exchange.loop()
                        .post(
                                () -> {
                                    exchange.settle();
                                    exchange.response().end();
                                });
            }
        } catch (ApiException e) {
            body.discard();
            if (told.isEmpty()) {
                throw e;
            }
            broken(exchange, told.get(), e.error());
        } catch (BodyStream.SlowException e) {
            exchange.loop()
                    .post(
                            () -> {
                                exchange.fail(new ApiError.Slow(String.valueOf(e.getMessage())));
                                exchange.request().connection().close();
                            });
        } catch (IOException e) {
            LOG.warn("An upload of documents ended early: {}", e.getMessage());
            exchange.loop().post(exchange::abort);
        }
    }

    private void broken(Exchange exchange, String type, ApiError error) {
        try {
            tell(exchange, type, Dialect.OPENAI.body(error, exchange.requestId()));
        } catch (IOException _) {
            // Nobody is there to hear it.
        }
        exchange.loop().post(exchange::abort);
    }

    private void line(
            Exchange exchange,
            Library library,
            ByteArrayOutputStream line,
            Progress progress,
            Optional<String> told)
            throws IOException {
        byte[] bytes = line.toByteArray();
        line.reset();
        if (new String(bytes, StandardCharsets.UTF_8).isBlank()) {
            return;
        }
        progress.line++;
        var news = Json.object().put("line", progress.line);
        try {
            var view = library.put(stored(Fields.of(Json.parse(bytes)), exchange.tenant()));
            progress.stored++;
            progress.tokens += view.tokens();
            news.put("id", view.stored().id())
                    .put("state", view.state().label())
                    .put("tokens", view.tokens());
        } catch (ApiException e) {
            problem(progress, news, e.error().message());
        } catch (ChatException e) {
            problem(progress, news, e.getMessage());
        }
        if (told.isPresent()) {
            tell(exchange, told.get(), news);
        }
    }

    private static void problem(Progress progress, ObjectNode news, String message) {
        progress.failed++;
        news.put("state", "refused").put("error", message);
        if (progress.problems.size() < LISTED_PROBLEMS) {
            progress.problems.addObject().put("line", progress.line).put("error", message);
        }
    }

    private static void begin(Exchange exchange, String type) {
        exchange.response()
                .setChunked(true)
                .putHeader("content-type", type)
                .putHeader("cache-control", "no-cache");
    }

    /** Waits until the client has taken it. */
    private void tell(Exchange exchange, String type, ObjectNode news) throws IOException {
        var json = new String(Json.bytes(news), StandardCharsets.UTF_8);
        var part = Buffer.buffer(type.equals(EVENTS) ? "data: " + json + "\n\n" : json + "\n");
        var written = new CompletableFuture<Boolean>();
        exchange.loop()
                .post(
                        () ->
                                (exchange.gone()
                                                ? Future.<Void>failedFuture("the client has gone")
                                                : exchange.response().write(part))
                                        .onSuccess(_ -> written.complete(true))
                                        .onFailure(written::completeExceptionally));
        try {
            written.get(service.options().maxStall().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the client does not read the progress", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    // Looking and erasing

    /** {@code ?limit=N&after=ID&cache_salt=SALT}. */
    private void list(Exchange exchange) {
        var request = exchange.request();
        int limit =
                (int)
                        Routes.number(
                                "limit",
                                request.getParam("limit", Integer.toString(USUAL_PAGE)),
                                MOST_PAGE);
        var owner = owner(exchange);
        var after = Optional.ofNullable(request.getParam("after"));
        var page = library().page(owner, after, limit + 1);
        var shown = page.subList(0, Math.min(limit, page.size()));
        var totals = library().totals(owner);
        var list = Json.object().put("object", "list");
        var data = list.putArray("data");
        shown.forEach(view -> data.add(json(view)));
        list.put("has_more", page.size() > limit);
        if (!shown.isEmpty()) {
            list.put("last_id", shown.getLast().stored().id());
        }
        list.putObject("totals")
                .put("waiting", totals.waiting())
                .put("prefilled", totals.prefilled())
                .put("failed", totals.failed())
                .put("erasing", totals.erasing())
                .put("tokens", totals.tokens())
                .put("bytes", totals.bytes());
        Service.reply(exchange, list);
    }

    private void show(Exchange exchange, String id) {
        Service.reply(
                exchange,
                library()
                        .get(owner(exchange), id)
                        .map(DocumentEndpoints::json)
                        .orElseThrow(() -> unknown(id)));
    }

    private static ApiException unknown(String id) {
        return new ApiException(
                new ApiError.UnknownDocument(id.length() > 100 ? "…" : id, Optional.empty()));
    }

    private void delete(Exchange exchange, String id) {
        var erasure = library().delete(owner(exchange), id).orElseThrow(() -> unknown(id));
        Service.reply(
                exchange,
                Json.object()
                        .put("id", id)
                        .put("object", "document.deleted")
                        .put("deleted", true)
                        .put("erased", isSwept(erasure)));
    }

    /** Whether all that was made of it has gone; what has not goes on going. */
    private static boolean isSwept(Texts.Erasure erasure) {
        try {
            return erasure.swept().get(ERASED_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException _) {
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static ObjectNode json(Library.View view) {
        var stored = view.stored();
        var json =
                Json.object()
                        .put("id", stored.id())
                        .put("object", "document")
                        .put("title", stored.document().title())
                        .put("state", view.state().label())
                        .put("tokens", view.tokens())
                        .put("bytes", stored.bytes())
                        .put("created", stored.created().getEpochSecond())
                        .put("pin", stored.pinned());
        if (stored.pinned()) {
            json.put("pinned_tokens", view.pinnedTokens());
        }
        if (stored.expires().isPresent()) {
            json.put("expires", stored.expires().get().getEpochSecond());
        } else {
            json.putNull("expires");
        }
        if (!view.problem().isEmpty()) {
            json.put("problem", view.problem());
        }
        view.holding()
                .ifPresent(
                        holding ->
                                json.putObject("blocks")
                                        .put("all", holding.blocks())
                                        .put("host", holding.host())
                                        .put("disk", holding.disk())
                                        .put("remote", holding.remote()));
        return json;
    }
}
