extension MIMEPart {
  /// Whether a field of a name holds the pattern; an empty pattern asks whether the field is there (RFC 3501
  /// section 6.4.4, HEADER, and SUBJECT, FROM, TO, CC, BCC).
  package func headerContains(_ pattern: SearchPattern, field: String, in bytes: Span<UInt8>) -> Bool {
    MessageText.headerValues(field, of: self, in: bytes).contains { pattern.isFound(in: $0) }
  }

  /// Whether a text part, or the header section of a message inside, holds the pattern (BODY).
  package func bodyContains(_ pattern: SearchPattern, in bytes: Span<UInt8>) -> Bool {
    if content == .leaf { return isText && leafContains(pattern, in: bytes) }
    for child in children {
      if content == .message, child.headerTextContains(pattern, in: bytes) { return true }
      if child.bodyContains(pattern, in: bytes) { return true }
    }
    return false
  }

  /// Whether header section or body holds the pattern (TEXT).
  package func textContains(_ pattern: SearchPattern, in bytes: Span<UInt8>) -> Bool {
    headerTextContains(pattern, in: bytes) || bodyContains(pattern, in: bytes)
  }

  private func headerTextContains(_ pattern: SearchPattern, in bytes: Span<UInt8>) -> Bool {
    pattern.isFound(in: MessageText.headerText(of: self, in: bytes))
  }

  /// Plain octets are searched where they lie; only the rest is decoded and folded.
  private func leafContains(_ pattern: SearchPattern, in bytes: Span<UInt8>) -> Bool {
    if pattern.isASCII, TransferEncoding(encoding) == .identity, charset == "us-ascii" || charset == "utf-8" {
      return pattern.isFound(inASCIICaseless: bytes, range: bodyRange)
    }
    return MessageText.text(of: self, in: bytes).map(pattern.isFound(in:)) ?? false
  }
}
