import SwiftUI

private let prompt = "Once upon a time"
private let tokens = 300

@main
struct StorytellerApp: App {
    var body: some Scene {
        WindowGroup {
            StoryView()
        }
    }
}

/// One screen that writes a story.
struct StoryView: View {
    @State private var story = prompt

    var body: some View {
        ScrollView {
            Text(story)
                .font(.body)
                .frame(maxWidth: .infinity, alignment: .leading)
                .padding()
        }
        .task {
            await write()
        }
    }

    private func write() async {
        guard let folder = Bundle.main.url(forResource: "stories", withExtension: "rfa") else {
            story = "stories.rfa is missing: the README says where it goes"
            return
        }
        do {
            let storyteller = try await Storyteller(folder: folder)
            for try await text in storyteller.write(prompt, count: tokens) {
                story = text
            }
        } catch {
            story = error.localizedDescription
        }
    }
}
