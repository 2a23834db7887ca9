import "@hither/hither";
