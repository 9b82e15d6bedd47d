import Basics
import Milter
import NIOPosix

/// A message as filters have left it, in memory or in a file that goes with this.
final class FilteredContent: Sendable {
  let content: MessageContent
  private let file: SpoolFile?

  private init(_ content: MessageContent, file: SpoolFile?) {
    self.content = content
    self.file = file
  }

  /// Writes the message: into memory when it fits there, else into a file beside the one it came in.
  ///
  /// - Throws: when the disk does not take it.
  static func make(
    _ message: FilteredMessage, id: String, settings: SMTPServerSettings, files: NIOThreadPool
  ) async throws -> FilteredContent {
    let directory = settings.spoolDirectory
    let limit = max(4096, settings.memoryPerMessage)
    return try await files.runIfActive {
      var octets = message.header
      var file: SpoolFile?
      var offset = 0
      var written = 0
      while true {
        guard let block = message.body(at: offset, limit: 65_536) else { throw SpoolFile.WriteError(code: 5) }
        if block.isEmpty { break }
        offset += block.count
        octets += block
        guard octets.count > limit else { continue }
        let spool = try file ?? SpoolFile.create(directory: directory, id: "\(id).filtered")
        file = spool
        try spool.append(octets)
        written += octets.count
        octets = []
      }
      guard let file else { return FilteredContent(.bytes(octets), file: nil) }
      try file.append(octets)
      return FilteredContent(.file(path: file.path, size: written + octets.count), file: file)
    }
  }
}
