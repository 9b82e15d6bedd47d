/// How thoroughly to look.
package struct InspectionDepth: Sendable {
  /// A server runs on the data: its locks are obeyed, and what it is just doing is no fault.
  package var isServing: Bool
  /// Leaves out what reads every octet: bodies of messages, contents of indexes.
  package var isQuick: Bool

  /// Chooses.
  package init(isServing: Bool = false, isQuick: Bool = false) {
    self.isServing = isServing
    self.isQuick = isQuick
  }
}

extension InspectionReport {
  /// Looks at a database file, its header first, then by SQLite's own check; changes nothing.
  ///
  /// - Parameters:
  ///   - path: a file that should be there.
  ///   - remedy: what mends a damaged one.
  /// - Returns: the database for further questions; `nil` when it cannot be read.
  package mutating func inspectDatabase(
    _ path: String, remedy: String, depth: InspectionDepth
  ) -> ReadOnlyDatabase? {
    let file = DatabaseFile(path: path)
    if let refusal = file.refusal {
      add(.error, path, "cannot be read: \(refusal)", remedy: "run this as the server's user, or as root")
      return nil
    }
    if let fault = file.headerFault {
      let covered = file.logSize > 0 ? "; its write-ahead log may still cover that, until that is lost too" : ""
      add(.error, path, "the file \(fault)\(covered)", remedy: remedy)
      return nil
    }
    do {
      let database = try ReadOnlyDatabase(file, isServing: depth.isServing)
      let check = depth.isQuick ? "quick_check" : "integrity_check"
      let faults = try database.texts("PRAGMA \(check)(20)").filter { $0 != "ok" }
      guard faults.isEmpty else {
        for fault in faults { add(.error, path, "the database says: \(fault)", remedy: remedy) }
        return nil
      }
      return database
    } catch {
      add(.error, path, "the database says: \(error)", remedy: remedy)
      return nil
    }
  }
}
