import MailStore

extension IMAPSession {
  /// One FETCH under way.
  struct FetchPlan {
    var items: [FetchItem]
    var needsIndex: Bool
    var needsDetails: Bool
    var needsContent: Bool
    var setsSeen: Bool
    /// Messages that turned out to be gone.
    var isIncomplete = false
    /// A part has an encoding nobody knows (RFC 3516).
    var hasUnknownEncoding = false
  }
}

/// Where a FETCH has its answers from.
struct FetchSupply {
  /// `nil` when no octets of the messages themselves are wanted.
  var content: ContentSupply?
  var index: IndexSupply
}

/// What is known of one message without its octets.
struct FetchFacts {
  var record: MessageRecord
  var index: IndexedMessage?
  var details: MessageDetails?
}

extension IMAPSession.FetchPlan {
  init(_ items: [FetchItem]) {
    self.items = items
    needsIndex = items.contains { $0 == .envelope || $0 == .body || $0 == .bodyStructure }
    needsDetails = items.contains { $0 == .emailID || $0 == .threadID || $0 == .preview }
    needsContent = items.contains(where: \.needsContent)
    setsSeen = items.contains(where: \.setsSeen)
  }
}

extension FetchItem {
  /// Whether the answer needs exact sizes or dates.
  var needsMeasure: Bool { self == .size || self == .internalDate }
}
