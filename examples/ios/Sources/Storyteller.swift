import Foundation
import OnnxRuntimeBindings
import Tokenizers

/// Tokens of a prompt that are read at once.
private let chunk = 256

/// Continues texts with a bundle of rfa-export.  What it keeps of a text has one size, however long the text is.
final class Storyteller {
    private let manifest: Manifest
    private let tokenizer: Tokenizer
    private let environment: ORTEnv
    private let session: ORTSession

    init(folder: URL) async throws {
        let data = try Data(contentsOf: folder.appending(path: "manifest.json"))
        manifest = try JSONDecoder().decode(Manifest.self, from: data)
        tokenizer = try await AutoTokenizer.from(modelFolder: folder)
        environment = try ORTEnv(loggingLevel: .warning)
        let model = folder.appending(path: "model.onnx").path()
        session = try ORTSession(env: environment, modelPath: model, sessionOptions: nil)
    }

    /// Write so many tokens after a prompt, the most likely one each time: the text so far, after each token.
    func write(_ prompt: String, count: Int) -> AsyncThrowingStream<String, Error> {
        AsyncThrowingStream { continuation in
            let task = Task.detached {
                do {
                    try self.write(prompt, count: count) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func write(_ prompt: String, count: Int, show: (String) -> Void) throws {
        let ids = tokenizer.encode(text: prompt, addSpecialTokens: false)
        let read = (manifest.specialIds.bos.map { [$0] } ?? []) + ids
        var written: [Int] = []
        var state = try State(manifest: manifest)
        for start in stride(from: 0, to: read.count, by: chunk) {
            try state.read(Array(read[start..<min(start + chunk, read.count)]), with: session)
        }
        while written.count < count && !Task.isCancelled {
            let token = try state.mostLikely()
            if token == manifest.specialIds.eos {
                break
            }
            written.append(token)
            show(tokenizer.decode(tokens: read + written, skipSpecialTokens: true))
            try state.read([token], with: session)
        }
    }
}

/// What the model remembers of one text.
private struct State {
    private let manifest: Manifest
    private var length = 0
    private var tensors: [String: ORTValue] = [:]
    private var logits: ORTValue?

    init(manifest: Manifest) throws {
        self.manifest = manifest
        for spec in manifest.state {
            tensors[spec.past] = try spec.zeros()
        }
    }

    mutating func read(_ tokens: [Int], with session: ORTSession) throws {
        let graph = manifest.graphs.model
        var feeds = tensors
        for name in graph.inputs {
            let positions = name == "position_ids"
            let values = tokens.indices.map { Int64(positions ? length + $0 : tokens[$0]) }
            feeds[name] = try integers(values)
        }
        let presents = manifest.state.map(\.present)
        let found = try session.run(withInputs: feeds, outputNames: Set(presents + ["logits"]), runOptions: nil)
        for spec in manifest.state {
            tensors[spec.past] = found[spec.present]
        }
        logits = found["logits"]
        length += tokens.count
    }

    func mostLikely() throws -> Int {
        guard let logits else {
            throw StoryError.nothingRead
        }
        let data = try logits.tensorData() as Data
        return data.withUnsafeBytes { bytes in
            let numbers = bytes.bindMemory(to: Float.self)
            return numbers.indices.max { numbers[$0] < numbers[$1] } ?? 0
        }
    }

    private func integers(_ values: [Int64]) throws -> ORTValue {
        let data = NSMutableData(bytes: values, length: values.count * MemoryLayout<Int64>.stride)
        return try ORTValue(tensorData: data, elementType: .int64, shape: [1, NSNumber(value: values.count)])
    }
}

enum StoryError: Error {
    case nothingRead
}

/// What the loop needs of manifest.json.
private struct Manifest: Decodable {
    let graphs: Graphs
    let state: [StateSpec]
    let specialIds: SpecialIds

    enum CodingKeys: String, CodingKey {
        case graphs
        case state
        case specialIds = "special_ids"
    }
}

private struct Graphs: Decodable {
    let model: Graph
}

private struct Graph: Decodable {
    let inputs: [String]
}

private struct SpecialIds: Decodable {
    let bos: Int?
    let eos: Int?
}

/// One tensor of a state, in float32.
private struct StateSpec: Decodable {
    let past: String
    let present: String
    let shape: [Dim]

    func zeros() throws -> ORTValue {
        let sizes = shape.map(\.size)
        let count = sizes.reduce(1, *)
        guard let data = NSMutableData(length: count * MemoryLayout<Float>.stride) else {
            throw StoryError.nothingRead
        }
        return try ORTValue(tensorData: data, elementType: .float, shape: sizes.map { NSNumber(value: $0) })
    }
}

/// A size, or the name of one that is free: there is one text.
private struct Dim: Decodable {
    let size: Int

    init(from decoder: Decoder) throws {
        size = (try? decoder.singleValueContainer().decode(Int.self)) ?? 1
    }
}
