package dev.rfa.storyteller

import android.app.Activity
import android.os.Bundle
import android.widget.ScrollView
import android.widget.TextView
import java.io.File
import kotlin.concurrent.thread

private const val BUNDLE = "stories.rfa"
private const val PROMPT = "Once upon a time"
private const val TOKENS = 300

/** One screen that writes a story. */
class MainActivity : Activity() {
    @Volatile private var open = true

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        val story = TextView(this).apply {
            textSize = 18f
            setPadding(48, 48, 48, 48)
        }
        setContentView(ScrollView(this).apply { addView(story) })
        thread { write(story) }
    }

    override fun onDestroy() {
        open = false
        super.onDestroy()
    }

    private fun write(story: TextView) {
        Storyteller(copiedBundle()).use { storyteller ->
            for (text in storyteller.write(PROMPT, TOKENS).takeWhile { open }) {
                runOnUiThread { story.text = text }
            }
        }
    }

    /** ONNX Runtime reads weights from files, and what is in a package is none: it is copied once. */
    private fun copiedBundle(): File {
        val folder = File(filesDir, BUNDLE)
        if (!File(folder, "manifest.json").exists()) {
            folder.mkdirs()
            val names = checkNotNull(assets.list(BUNDLE)).sortedBy { it == "manifest.json" } // it comes last: all is there
            for (name in names) {
                assets.open("$BUNDLE/$name").use { source -> File(folder, name).outputStream().use(source::copyTo) }
            }
        }
        return folder
    }
}
