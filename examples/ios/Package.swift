// swift-tools-version: 5.9
import AppleProductTypes
import PackageDescription

let package = Package(
    name: "Storyteller",
    platforms: [.iOS("16.0")],
    products: [
        .iOSApplication(
            name: "Storyteller",
            targets: ["Storyteller"],
            bundleIdentifier: "dev.rfa.storyteller",
            supportedDeviceFamilies: [.phone, .pad],
            supportedInterfaceOrientations: [.portrait]
        )
    ],
    dependencies: [
        .package(url: "https://github.com/microsoft/onnxruntime-swift-package-manager", branch: "main"),
        .package(url: "https://github.com/huggingface/swift-transformers", from: "1.0.0"),
    ],
    targets: [
        .executableTarget(
            name: "Storyteller",
            dependencies: [
                .product(name: "onnxruntime", package: "onnxruntime-swift-package-manager"),
                .product(name: "Tokenizers", package: "swift-transformers"),
            ],
            path: "Sources",
            resources: [.copy("stories.rfa")]
        )
    ]
)
