package dev.stator.api;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** The names under which the model is served. */
record ServedModel(String name, int contextTokens, long createdSeconds) {
    List<String> names() {
        return name.equals(ApiOptions.DEFAULT_MODEL)
                ? List.of(name)
                : List.of(name, ApiOptions.DEFAULT_MODEL);
    }

    /**
     * @param asked absent means the only model there is
     */
    void check(Optional<String> asked) {
        asked.filter(model -> !names().contains(model))
                .ifPresent(
                        model -> {
                            throw new ApiException(new ApiError.UnknownModel(model, names()));
                        });
    }

    ObjectNode json(String id) {
        return Json.object()
                .put("id", id)
                .put("object", "model")
                .put("created", createdSeconds)
                .put("owned_by", "stator")
                .put("root", name)
                .put("max_model_len", contextTokens);
    }

    ObjectNode list() {
        var list = Json.object().put("object", "list");
        var data = list.putArray("data");
        names().forEach(id -> data.add(json(id)));
        return list;
    }
}
