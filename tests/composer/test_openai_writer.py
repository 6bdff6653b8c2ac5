"""The writer against a real HTTP server: each thing that servers do ends in a reply or in one clear error."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from llm_server import OUTLINE, Answer, LlmServer, Request, Script, fails, says

from composer.errors import ComposerError, PlanFailed, WriterUnavailable
from composer.replies import Outline
from composer.writers import Reply, openai
from composer.writers.openai import OpenAIWriter, openai_writer_from_environment

KEY = "sk-test-4f9a1c77d2e8b60355aa"
ASKED = [{"role": "user", "content": "Plan a scene."}]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "FIRST_WAIT_S", 0.001)
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "TALESCAPE_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


def writer_at(server: LlmServer, *, model: str = "toy", timeout_s: float = 20.0) -> OpenAIWriter:
    return OpenAIWriter(model=model, base_url=server.base_url, api_key=KEY, timeout_s=timeout_s)


def asked(*answers: Script) -> tuple[Reply, LlmServer]:
    with LlmServer(*answers) as server:
        return writer_at(server).write(ASKED, Outline), server


def refused(*answers: Script, models: Answer | None = None, timeout_s: float = 20.0) -> tuple[ComposerError, LlmServer]:
    """The error that the answers end in; it is one line, names the server or model, and holds no key."""
    with LlmServer(*answers, models=models) as server:
        with pytest.raises(ComposerError) as caught:
            writer_at(server, timeout_s=timeout_s).write(ASKED, Outline)
    error = caught.value
    assert "\n" not in str(error) and KEY not in str(error)
    assert server.host in str(error) or "toy" in str(error)
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)
    return error, server


def test_the_schema_the_model_and_the_key_are_sent() -> None:
    reply, server = asked(says(OUTLINE, tokens=(12, 34)))
    (request,) = server.chats
    assert json.loads(reply.text) == OUTLINE
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cut_short) == (12, 34, False)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "toy" and request.messages == ASKED
    told = request.body["response_format"]["json_schema"]
    assert told["strict"] is True and told["name"] == "Outline"
    for part in (told["schema"], told["schema"]["$defs"]["CastMember"]):  # what OpenAI demands of a strict schema
        assert part["additionalProperties"] is False and part["required"] == list(part["properties"])


def test_a_length_limit_is_told() -> None:
    reply, _ = asked(says('{"title": "The F', ends="length"))
    assert reply.cut_short and reply.text == '{"title": "The F'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "one "}, {"type": "text", "text": "two"}, {"type": "other"}], "one two"),
        ([{"type": "text", "text": None}], ""),
        (7, ""),
    ],
)
def test_answers_in_parts_and_empty_ones_are_read(content: object, text: str) -> None:
    assert asked(says(content))[0].text == text


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": "many"}, {}, 3])
def test_missing_token_counts_are_zero(usage: object) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage}).encode()
    assert asked(Answer(body))[0] == Reply("x")


def test_servers_without_a_schema_are_asked_for_plainer_formats_and_remembered() -> None:
    def knows_text_only(request: Request) -> Answer:
        return says("fine") if request.format == "text" else fails(400, f"{request.format} is not supported")

    with LlmServer(knows_text_only) as server:
        writer = writer_at(server)
        assert writer.write(ASKED, Outline).text == writer.write(ASKED, Outline).text == "fine"
    assert [request.format for request in server.chats] == ["json_schema", "json_object", "text", "text"]


def test_a_server_that_stumbles_over_the_schema_is_asked_without() -> None:
    _, server = asked(fails(500, "failed to parse grammar"), says("fine"))
    assert [request.format for request in server.chats] == ["json_schema", "json_object"]


def test_a_request_refused_in_every_format_is_told() -> None:
    error, server = refused(fails(400, "this model cannot chat"))
    assert isinstance(error, PlanFailed) and "refused the request" in str(error)
    assert "this model cannot chat" in str(error) and len(server.chats) == 3


def test_a_context_that_is_too_short_is_told_at_once() -> None:
    error, server = refused(fails(400, "maximum context length is 4096 tokens"))
    assert "4096" in str(error) and len(server.chats) == 1


def test_rate_limits_pass_when_they_end() -> None:
    reply, server = asked(fails(429, "slow down", Retry_After="0"), fails(429), says("fine"))
    assert reply.text == "fine" and len(server.chats) == 3


def test_rate_limits_for_ever_are_told() -> None:
    error, server = refused(fails(429, "slow down"))
    assert isinstance(error, WriterUnavailable) and "rate" in str(error) and "slow down" in str(error)
    assert len(server.chats) == 1 + openai.N_RETRIES


@pytest.mark.parametrize("answer", [fails(429, Retry_After="3600"), fails(429, code="insufficient_quota")])
def test_a_spent_quota_and_an_hour_of_waiting_are_told_at_once(answer: Answer) -> None:
    error, server = refused(answer)
    assert "try later" in str(error) and len(server.chats) == 1


def test_server_errors_are_tried_again_and_then_told() -> None:
    assert asked(fails(500), fails(503), says("fine"))[0].text == "fine"
    error, server = refused(fails(500, "out of memory"))
    assert "failed" in str(error) and "out of memory" in str(error) and len(server.chats) == 3


def test_a_refused_key_is_told_without_the_key() -> None:
    error, server = refused(fails(401, f"Incorrect API key provided: {KEY}"))
    assert "refused the key in OPENAI_API_KEY" in str(error) and len(server.chats) == 1


def test_a_forbidden_model_is_told() -> None:
    assert "not in your country" in str(refused(fails(403, "not in your country"))[0])


def test_an_unknown_model_lists_those_there() -> None:
    models = Answer(json.dumps({"data": [{"id": "llama3"}, {"id": "qwen3"}]}).encode())
    error, _ = refused(fails(404, "model not found"), models=models)
    assert "no model 'toy'; it has: llama3, qwen3" in str(error)


def test_a_wrong_address_names_the_usual_one() -> None:
    assert "usually ends in /v1" in str(refused(fails(404))[0])


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>Welcome to the router</body></html>",
        b"",
        b"null",
        b"[]",
        b'{"choices": []}',
        b'{"choices": ["a"]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": "hello"}]}',
        b'{"error": {"message": "no credits"}}',
        b"\xff\xfe\x00rubbish",
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": "half',
    ],
)
def test_what_is_no_chat_completion_is_told(body: bytes) -> None:
    error, server = refused(Answer(body, content_type="text/html"))
    assert isinstance(error, WriterUnavailable) and "no chat completion" in str(error) and "/v1" in str(error)
    assert len(server.chats) == 1 and len(str(error)) < 400


def test_refusals_and_content_filters_are_told() -> None:
    error, _ = refused(says(None, refusal="I can't help with that."))
    assert isinstance(error, PlanFailed) and "refused: I can't help with that" in str(error)
    assert "word the prompt differently" in str(error)
    assert "content filter" in str(refused(says("", ends="content_filter"))[0])


def test_a_slow_server_is_told_with_the_time_and_not_asked_again() -> None:
    error, server = refused(Answer(b"{}", wait_s=30), timeout_s=0.3)
    assert "within 0.3 s" in str(error) and "TALESCAPE_LLM_TIMEOUT_S" in str(error) and len(server.chats) == 1


def test_a_server_that_drips_for_ever_is_told() -> None:
    assert "within 0.3 s" in str(refused(Answer(b" " * 10_000, drip_s=0.02), timeout_s=0.3)[0])


def test_a_server_that_dies_in_mid_answer_is_asked_again_and_then_told() -> None:
    dies = Answer(says(OUTLINE).body, cut_after=40)
    assert json.loads(asked(dies, says(OUTLINE))[0].text) == OUTLINE
    error, server = refused(dies)
    assert "broke off in mid-answer" in str(error) and len(server.chats) == 3


def test_a_server_that_dies_in_mid_error_is_told() -> None:
    dies = Answer(b'{"error": "x"}', status=400, cut_after=3)
    assert isinstance(refused(dies)[0], ComposerError)


def test_an_answer_of_50_megabytes_is_told() -> None:
    error, _ = refused(says("x" * 50_000_000))
    assert isinstance(error, PlanFailed) and "more than 4 MB" in str(error)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    writer = OpenAIWriter(model="toy", base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY)
    with pytest.raises(WriterUnavailable, match=rf"127.0.0.1:{port} cannot be reached.*--offline"):
        writer.write(ASKED, Outline)


@pytest.mark.parametrize("answer", [says(f"your key is {KEY}"), says([{"type": "text", "text": KEY}])])
def test_an_echoed_key_is_not_in_the_reply(answer: Answer) -> None:
    reply, _ = asked(answer)
    assert KEY not in reply.text and "***" in reply.text


@pytest.mark.parametrize("status", [400, 403, 409, 422, 429, 500])
def test_an_echoed_key_is_in_no_error(status: int) -> None:
    error, _ = refused(fails(status, f"you sent {KEY} and {KEY}"))
    assert "you sent" in str(error)


def test_no_model_named_takes_one_that_writes() -> None:
    def named(*ids: str) -> Answer:
        return Answer(json.dumps({"data": [{"id": each} for each in ids]}).encode())

    for ids, best in [
        (("nomic-embed-text", "whisper-1", "qwen3"), "qwen3"),
        (("gpt-4", openai.DEFAULT_MODEL), openai.DEFAULT_MODEL),
        (("clip",), "clip"),
    ]:
        with LlmServer(says("fine"), models=named(*ids)) as server:
            assert writer_at(server, model="").model == best
    assert OpenAIWriter(api_key=KEY).model == openai.DEFAULT_MODEL


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (Answer(b'{"data": []}'), "names no models"),
        (fails(404), "names no models"),
        (Answer(b"<html>"), "names no models"),
        (fails(401), "refused the key"),
        (fails(500, "asleep"), "asleep"),
    ],
)
def test_no_model_named_and_none_to_be_had_is_told(models: Answer, told: str) -> None:
    with LlmServer(says("fine"), models=models) as server, pytest.raises(WriterUnavailable, match=told):
        _ = writer_at(server, model="").model


def test_the_environment_sets_up_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert openai_writer_from_environment(None) is None
    with pytest.raises(WriterUnavailable, match="--model toy: no server is set up"):
        openai_writer_from_environment("toy")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://user:secret@127.0.0.1:9/v1")
    monkeypatch.setenv("TALESCAPE_MODEL", "named")
    writer = openai_writer_from_environment(None)
    assert writer is not None and writer.model == "named" and writer.host == "127.0.0.1:9"
    writer = openai_writer_from_environment("other")
    assert writer is not None and writer.model == "other"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OPENAI_BASE_URL", "localhost:11434", "OPENAI_BASE_URL is no address"),
        ("OPENAI_BASE_URL", "http://[bad/v1", "OPENAI_BASE_URL is no address"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:99999/v1", "OPENAI_BASE_URL is no address"),
        ("OPENAI_API_KEY", "sk-kéy", "OPENAI_API_KEY holds"),
        ("OPENAI_API_KEY", "sk-one\nsk-two", "OPENAI_API_KEY holds"),
        ("TALESCAPE_LLM_TIMEOUT_S", "soon", "TALESCAPE_LLM_TIMEOUT_S: 'soon'"),
        ("TALESCAPE_LLM_TIMEOUT_S", "0", "TALESCAPE_LLM_TIMEOUT_S: '0'"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    with pytest.raises(WriterUnavailable, match=told) as caught:
        openai_writer_from_environment("toy")
    assert value not in str(caught.value) or name != "OPENAI_API_KEY"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x"])
def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    writer = OpenAIWriter(model="toy", base_url="http://192.0.2.1/v1", api_key=KEY, timeout_s=1)
    with pytest.raises(WriterUnavailable, match=r"192.0.2.1"):
        writer.write(ASKED, Outline)


def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level("DEBUG")
    checks: list[Callable[[], object]] = [lambda: asked(says(KEY)), lambda: refused(fails(401, KEY))]
    for check in checks:
        check()
    assert KEY not in caplog.text
