package dev.rfa.storyteller

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.io.File
import java.nio.FloatBuffer
import java.nio.LongBuffer
import org.json.JSONArray
import org.json.JSONObject

/** Tokens of a prompt that are read at once. */
private const val CHUNK = 256

/** Continues texts with a bundle of rfa-export.  What it keeps of a text has one size, however long the text is. */
class Storyteller(folder: File) : AutoCloseable {
    private val manifest = JSONObject(File(folder, "manifest.json").readText())
    private val states = manifest.getJSONArray("state").objects().map(::StateSpec)
    private val inputs = manifest.getJSONObject("graphs").getJSONObject("model").getJSONArray("inputs").strings()
    private val ids = manifest.getJSONObject("special_ids")
    private val tokenizer = HuggingFaceTokenizer.newInstance(File(folder, "tokenizer.json").toPath())
    private val environment = OrtEnvironment.getEnvironment()
    private val session = environment.createSession(File(folder, "model.onnx").path)

    /** Write so many tokens after a prompt, the most likely one each time: the text so far, after each token. */
    fun write(prompt: String, count: Int): Sequence<String> = sequence {
        val read = startIds() + tokenizer.encode(prompt, false, false).ids.toList()
        val written = mutableListOf<Long>()
        State().use { state ->
            read.chunked(CHUNK).forEach(state::read)
            while (written.size < count) {
                val token = state.mostLikely()
                if (token == ids.optLong("eos", -1)) {
                    break
                }
                written += token
                yield(tokenizer.decode((read + written).toLongArray(), true))
                state.read(listOf(token))
            }
        }
    }

    override fun close() {
        session.close()
        tokenizer.close()
    }

    private fun startIds(): List<Long> = if (ids.isNull("bos")) emptyList() else listOf(ids.getLong("bos"))

    /** What the model remembers of one text. */
    private inner class State : AutoCloseable {
        private var length = 0L
        private var tensors = states.associate { it.past to it.zeros(environment) }
        private var last: OrtSession.Result? = null

        fun read(tokens: List<Long>) {
            val feeds = tensors.toMutableMap()
            for (name in inputs) {
                val values = if (name == "position_ids") List(tokens.size) { length + it } else tokens
                feeds[name] = integers(values)
            }
            val found = session.run(feeds)
            inputs.forEach { feeds.getValue(it).close() }
            release()
            tensors = states.associate { it.past to found.get(it.present).get() as OnnxTensor }
            last = found
            length += tokens.size
        }

        fun mostLikely(): Long {
            val logits = (checkNotNull(last).get("logits").get() as OnnxTensor).floatBuffer
            var best = 0
            for (token in 1 until logits.remaining()) {
                if (logits[token] > logits[best]) {
                    best = token
                }
            }
            return best.toLong()
        }

        override fun close() = release()

        /** The tensors of a step belong to its result; the zeros before the first one are ours. */
        private fun release() {
            val result = last
            if (result == null) {
                tensors.values.forEach(OnnxTensor::close)
            } else {
                result.close()
            }
        }

        private fun integers(values: List<Long>): OnnxTensor {
            val shape = longArrayOf(1, values.size.toLong())
            return OnnxTensor.createTensor(environment, LongBuffer.wrap(values.toLongArray()), shape)
        }
    }
}

/** One tensor of a state, in float32. */
private class StateSpec(entry: JSONObject) {
    val past: String = entry.getString("past")
    val present: String = entry.getString("present")
    private val shape = entry.getJSONArray("shape").let { dims ->
        LongArray(dims.length()) { place -> if (place == 0) 1 else dims.getLong(place) }
    }

    fun zeros(environment: OrtEnvironment): OnnxTensor {
        val count = shape.reduce(Long::times).toInt()
        return OnnxTensor.createTensor(environment, FloatBuffer.allocate(count), shape)
    }
}

private fun JSONArray.objects(): List<JSONObject> = List(length(), ::getJSONObject)

private fun JSONArray.strings(): List<String> = List(length(), ::getString)
