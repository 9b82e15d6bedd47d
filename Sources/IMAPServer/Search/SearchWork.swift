/// What one command has left to spend on keys that need more than the view: each message tried on one is one.
///
/// A search of a thousand texts in a large mailbox would else keep a core for minutes.
final class SearchWork {
  private var left: Int

  init(_ most: Int) { left = most }

  /// Takes a share.
  ///
  /// - Throws: `NO [LIMIT]` when nothing is left.
  func take(_ count: Int) throws(Refusal) {
    left -= count
    guard left >= 0 else {
      throw .no(.limit, "The search tries too many texts on too many messages; name fewer of either")
    }
  }
}
