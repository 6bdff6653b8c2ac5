"""Speech from a server: a real HTTP server on the loopback answers well, badly, late and not at all."""

from __future__ import annotations

import io
import json
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
import soundfile

from models.engines import engine_readiness, speech_engine
from models.errors import EngineUnavailable, SynthesisFailed, VoiceUnknown
from models.speech import openai_tts
from models.speech.openai_tts import OpenAITts

KEY = "sk-test-7f3a9c-very-secret"
Answer = tuple[int, bytes]


def wav(duration_s: float = 0.5, sample_rate: int = 24_000, n_channels: int = 1, subtype: str = "PCM_16") -> bytes:
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    tone = np.repeat((0.25 * np.sin(2 * np.pi * 220 * time_s))[:, np.newaxis], n_channels, axis=1)
    file = io.BytesIO()
    soundfile.write(file, tone, sample_rate, format="WAV", subtype=subtype)
    return file.getvalue()


class Server:
    """Answers every request by `answer`, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: Callable[[int], Answer] = lambda number: (200, wav())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append({"path": self.path, **json.loads(body)})
            told.keys.append(self.headers["Authorization"])
            status, answer = told.answer(len(told.asked))
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:  # the client has hung up, as it should in the test of lateness
                pass

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{httpd.server_port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("TALESCAPE_TTS_MODEL", raising=False)
    monkeypatch.setattr(openai_tts, "N_RETRIES", 0)
    yield told
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def speak(text: str = "Good evening.", voice: str = "nova") -> Any:
    return OpenAITts().speak(text, voice=voice, seed=1)


def test_a_good_answer_is_the_clip(server: Server) -> None:
    clip = speak()
    assert clip.sample_rate == 24_000 and clip.samples.shape == (1, 12_000)
    assert np.abs(clip.samples).max() == pytest.approx(0.25, abs=1e-3)
    assert server.asked == [
        {"path": "/v1/audio/speech", "model": "tts-1", "voice": "nova", "input": "Good evening.",
         "response_format": "wav"}
    ]  # fmt: skip
    assert server.keys == [f"Bearer {KEY}"]


def test_the_model_is_the_users(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALESCAPE_TTS_MODEL", "my-voice")
    speak()
    assert server.asked[0]["model"] == "my-voice"


def test_stereo_and_a_streams_header_without_a_length_are_read(server: Server) -> None:
    endless = bytearray(wav())
    at = endless.index(b"data") + 4
    endless[at : at + 4] = struct.pack("<I", 2**32 - 1)
    endless[4:8] = struct.pack("<I", 2**32 - 1)
    server.answer = lambda number: (200, bytes(endless) if number == 1 else wav(n_channels=2))
    assert speak().samples.shape == (1, 12_000)
    assert speak().samples.shape == (1, 12_000)


def test_long_text_goes_in_several_requests_and_no_word_is_lost(server: Server) -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(300))
    clip = speak(text)
    parts = [asked["input"] for asked in server.asked]
    assert len(parts) == 3 and max(map(len, parts)) <= 4_000
    assert " ".join(parts) == text and clip.n_samples == 3 * 12_000


def test_one_endless_sentence_loses_no_word_either(server: Server) -> None:
    text = " ".join(f"word{number}" for number in range(1500))
    speak(text)
    parts = [asked["input"] for asked in server.asked]
    assert max(map(len, parts)) <= 4_000 and " ".join(parts) == text


def test_different_rates_for_one_text_are_refused(server: Server) -> None:
    server.answer = lambda number: (200, wav(sample_rate=24_000 if number == 1 else 48_000))
    with pytest.raises(SynthesisFailed, match="different sample rates"):
        speak("A sentence of some length. " * 200)


def test_a_refused_key_is_said_without_the_key(server: Server) -> None:
    server.answer = lambda _: (401, json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode())
    with pytest.raises(EngineUnavailable, match="refused the key in OPENAI_API_KEY") as caught:
        speak()
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_a_servers_error_is_told_without_the_key(server: Server, status: int) -> None:
    server.answer = lambda _: (status, json.dumps({"error": {"message": f"no luck, {KEY}"}}).encode())
    with pytest.raises(SynthesisFailed, match=f"openai-tts: .*{status}") as caught:
        speak()
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown and "no luck, ***" in shown


def test_a_busy_server_is_asked_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_tts, "N_RETRIES", 2)
    server.answer = lambda number: (429, b"{}") if number == 1 else (200, wav())
    assert speak().n_samples == 12_000
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<!doctype html><html><body>Sign in</body></html>", "48 bytes that are not a whole WAV: cannot be read"),
        (b"", "0 bytes that are not a whole WAV"),
        (wav()[:5_000], r"5,000 bytes .* is cut short: 19,044 bytes of its samples are missing"),
        (wav(0.0), "holds no samples"),
        (wav(subtype="FLOAT")[:-4] + struct.pack("<f", float("nan")), "not a finite number"),
    ],
    ids=["html", "empty", "cut", "no samples", "not a number"],
)
def test_an_answer_that_is_not_whole_audio_is_refused(server: Server, answer: bytes, message: str) -> None:
    server.answer = lambda _: (200, answer)
    with pytest.raises(SynthesisFailed, match=message):
        speak()


def test_a_server_that_does_not_answer_in_time_is_left(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_tts, "TIMEOUT_S", 0.2)

    def late(_: int) -> Answer:
        time.sleep(0.8)
        return 200, wav()

    server.answer = late
    with pytest.raises(SynthesisFailed, match="openai-tts: .*timed out"):
        speak()


def test_no_server_at_all_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(openai_tts, "N_RETRIES", 0)
    with pytest.raises(SynthesisFailed, match="openai-tts: Connection error"):
        speak()


def test_an_unknown_voice_names_those_there_are(server: Server) -> None:
    with pytest.raises(VoiceUnknown, match="'amy' is unknown; openai-tts has: alloy, ash, .*shimmer"):
        speak(voice="amy")
    assert not server.asked


def test_it_is_ready_with_a_key_or_a_named_model_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("TALESCAPE_TTS_MODEL", raising=False)
    speech_engine.cache_clear()
    assert "OPENAI_API_KEY" in engine_readiness("speech", "openai-tts").needs
    with pytest.raises(EngineUnavailable, match="OPENAI_API_KEY"):
        speech_engine("openai-tts")
    monkeypatch.setenv("TALESCAPE_TTS_MODEL", "local")
    assert engine_readiness("speech", "openai-tts").ready


def test_words_of_nothing_are_refused() -> None:
    assert OpenAITts().refuses("...!") is not None
    assert OpenAITts().refuses("Grüße, 你好") is None
